import assert from "node:assert/strict";
import { test } from "node:test";
import { Threshold } from "../probes/prober.ts";
import { planRotated } from "./rotation.ts";
import { parseLogLine } from "./tail.ts";

test("lines of the runtime's logs", () => {
  assert.deepEqual(parseLogLine("2026-01-01T00:00:00.1Z stdout F hello world"), { time: "2026-01-01T00:00:00.1Z", stream: "stdout", partial: false, text: "hello world" });
  assert.deepEqual(parseLogLine("2026-01-01T00:00:00.1Z stderr P "), { time: "2026-01-01T00:00:00.1Z", stream: "stderr", partial: true, text: "" });
  assert.equal(parseLogLine("nonsense"), undefined);
});

test("of rotated logs the newest are kept, and compressed but for those that are", () => {
  assert.deepEqual(planRotated(["0.log.1.gz", "0.log.2.gz", "0.log.3", "0.log.4", "0.log.x.tmp"], 5), { remove: ["0.log.x.tmp", "0.log.1.gz"], compress: ["0.log.3", "0.log.4"] });
});

test("a probe's verdict needs its number of results in a row", () => {
  const threshold = new Threshold({ successThreshold: 2, failureThreshold: 3 });
  assert.deepEqual([true, true, false, false, true, false, false, false].map((each) => threshold.add(each)), [undefined, true, undefined, undefined, undefined, undefined, undefined, false]);
});
