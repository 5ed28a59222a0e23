import assert from "node:assert/strict";
import { test } from "node:test";
import { whenThere } from "./soon.ts";

test("what is there is gone on with at once", () => {
  assert.equal(whenThere(1, (one) => one + 1), 2);
  assert.throws(() => whenThere(1, () => { throw new Error("no"); }), /no/);
});

test("what will be is waited for", async () => {
  const result = whenThere(Promise.resolve(1), (one) => one + 1);
  assert.ok(result instanceof Promise);
  assert.equal(await result, 2);
  await assert.rejects(async () => await whenThere(Promise.resolve(1), () => { throw new Error("no"); }), /no/);
});
