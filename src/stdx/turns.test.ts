import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

test("one slice is done per turn of the event loop, whoever has much to do", async () => {
  const turns = new Turns();
  let loops = 0;
  let running = true;
  const count = () => {
    loops++;
    if (running) setImmediate(count);
  };
  setImmediate(count);
  const seen: string[] = [];
  const work = async (name: string) => {
    for (let slice = 0; slice < 3; slice++) {
      await turns.next();
      seen.push(`${name}${slice}`);
    }
  };
  await Promise.all([work("a"), work("b")]);
  running = false;
  assert.deepEqual(seen, ["a0", "b0", "a1", "b1", "a2", "b2"], "they take turns");
  assert.ok(loops >= 5, `the loop turned ${loops} times`);
});
