import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeAtomically, type Payload } from "./atomic-writer.ts";

const payload = (files: Readonly<Record<string, string>>): Payload => new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode: 0o640 }]));

test("files appear through one link that is replaced in one step", async () => {
  const dir = mkdtempSync(join(tmpdir(), "keelson-atomic-"));
  try {
    assert.equal(await writeAtomically(dir, payload({ a: "1", "sub/b": "2" }), { stamp: "one" }), true);
    assert.deepEqual(readdirSync(dir).toSorted(), ["..data", "..one", "a", "sub"]);
    assert.equal(readlinkSync(`${dir}/a`), "..data/a");
    assert.equal(readFileSync(`${dir}/sub/b`, "utf8"), "2");
    assert.equal(statSync(`${dir}/a`).mode & 0o777, 0o640);

    assert.equal(await writeAtomically(dir, payload({ a: "1", "sub/b": "2" }), { stamp: "two" }), false);
    assert.equal(await writeAtomically(dir, payload({ a: "3", c: "4" }), { stamp: "three" }), true);
    assert.deepEqual(readdirSync(dir).toSorted(), ["..data", "..three", "a", "c"]);
    assert.equal(readFileSync(`${dir}/a`, "utf8"), "3");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
