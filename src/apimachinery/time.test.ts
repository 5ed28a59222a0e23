import assert from "node:assert/strict";
import { test } from "node:test";
import { humanDuration } from "./duration.ts";
import { formatDuration, formatMicroTime, formatTime, parseDuration, parseMicroTime, parseTime } from "./time.ts";

test("times", () => {
  for (const [text, expected] of [
    ["2026-11-21T07:34:15Z", "2026-11-21T07:34:15Z"], ["2026-11-21T07:34:15.999Z", "2026-11-21T07:34:15Z"], ["2026-11-21T07:34:15+02:00", "2026-11-21T05:34:15Z"], ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
  ] as const) assert.equal(formatTime(parseTime(text)), expected);
  assert.equal(formatMicroTime(parseMicroTime("2026-11-21T07:34:15.123456Z")), "2026-11-21T07:34:15.123456Z");
  for (const [text, message] of [
    ["x", 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
    ["2026-13-01T00:00:00Z", 'parsing time "2026-13-01T00:00:00Z": month out of range'],
    ["2026-02-30T00:00:00Z", 'parsing time "2026-02-30T00:00:00Z": day out of range'],
    ["2026-02-01", 'parsing time "2026-02-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
    ["2026-02-01T00:00:00Zx", 'parsing time "2026-02-01T00:00:00Zx": extra text: "x"'],
  ] as const) assert.throws(() => parseTime(text), { message });
});

test("durations", () => {
  for (const [text, expected] of [
    ["0", "0s"], ["1s", "1s"], ["60s", "1m0s"], ["1h", "1h0m0s"], ["1.5s", "1.5s"], ["300ms", "300ms"], ["1h15m30.918s", "1h15m30.918s"], ["-2m", "-2m0s"], ["1500us", "1.5ms"], ["10ns", "10ns"], [".5h", "30m0s"],
  ] as const) assert.equal(formatDuration(parseDuration(text)), expected, text);
  for (const [text, message] of [
    ["", 'time: invalid duration ""'], ["1", 'time: missing unit in duration "1"'], ["1d", 'time: unknown unit "d" in duration "1d"'], ["abc", 'time: invalid duration "abc"'],
  ] as const) assert.throws(() => parseDuration(text), { message });
});

test("ages", () => {
  const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
  for (const [ms, text] of [
    [0, "0s"], [-5000, "<invalid>"], [119 * second, "119s"], [2 * minute, "2m"], [5 * minute + 10 * second, "5m10s"], [10 * minute + 5 * second, "10m"], [3 * hour, "3h"], [3 * hour + 4 * minute, "3h4m"], [47 * hour, "47h"],
    [2 * day + 4 * hour, "2d4h"], [8 * day, "8d"], [400 * day, "400d"], [730 * day, "2y"], [735 * day, "2y5d"], [3000 * day, "8y"],
  ] as const) assert.equal(humanDuration(ms), text);
});
