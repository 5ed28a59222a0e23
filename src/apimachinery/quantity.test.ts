import assert from "node:assert/strict";
import { test } from "node:test";
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, quantityMilliValue, quantityOf, quantityValue, subtractQuantities } from "./quantity.ts";

const canonical: readonly (readonly [string, string])[] = [
  ["0", "0"], ["0.0", "0"], ["0Ki", "0"], ["0n", "0"], ["-", "0"], ["1", "1"], ["1000", "1k"], ["1500", "1500"], ["1.5", "1500m"], ["0.5", "500m"], ["100m", "100m"],
  ["1000m", "1"], ["1.5Gi", "1536Mi"], ["1Gi", "1Gi"], ["1024Mi", "1Gi"], ["1025Ki", "1025Ki"], ["2048Ki", "2Mi"], ["0.5Mi", "512Ki"], ["1023", "1023"], ["1e3", "1e3"], ["1000e0", "1e3"],
  ["1E6", "1E6"], ["12e6", "12e6"], ["1E", "1E"], ["0.1n", "1n"], ["-0.1n", "-1n"], ["1.1n", "2n"], ["100G", "100G"], ["0.001Gi", "1073741824m"], ["9223372036854775807", "9223372036854775807"],
  ["10Ei", "9223372036854775807"], ["+5", "+5"], ["010", "010"], ["1.100", "1.100"], ["1.0", "1"], [".5", "500m"], ["1.", "1."], ["1e-3", "1e-3"], ["8Ki", "8Ki"], ["1000000Ki", "1000000Ki"],
  ["0.0000000001", "1n"], ["123456789012345678901234567890", "123456789012345678901234567890"], ["500Mi", "500Mi"], ["512", "512"], ["1100k", "1100k"],
];
test("quantities in canonical form", () => {
  for (const [text, expected] of canonical) assert.equal(formatQuantity(text), expected, text);
});

test("what is no quantity", () => {
  const format = /^quantities must match the regular expression/;
  const suffix = /^unable to parse quantity's suffix$/;
  for (const [text, pattern] of [["", format], ["a", format], ["1.5.5", format], ["1 Gi", format], ["1GB", format], ["1e", suffix], ["5kk", suffix], ["1K", suffix], ["1mi", suffix], ["--1", suffix], ["1e5m", format]] as const) {
    assert.throws(() => parseQuantity(text), (error: Error) => pattern.test(error.message), text);
  }
});

test("values are rounded up", () => {
  for (const [text, value, milli] of [["100m", 1, 100], ["1", 1, 1000], ["1.0001", 2, 1001], ["-1.5", -2, -1500], ["1Ki", 1024, 1024_000], ["1e3", 1000, 1_000_000], ["0", 0, 0]] as const) {
    assert.deepEqual([quantityValue(text), quantityMilliValue(text)], [value, milli], text);
  }
});

test("arithmetic is exact and keeps the format", () => {
  assert.equal(formatQuantity(addQuantities("1Gi", "1Mi")), "1025Mi");
  assert.equal(formatQuantity(addQuantities("0", "1Mi")), "1Mi");
  assert.equal(formatQuantity(addQuantities("1", "100m")), "1100m");
  assert.equal(formatQuantity(subtractQuantities("1", "100m")), "900m");
  assert.equal(formatQuantity(subtractQuantities("1Gi", "1Gi")), "0");
  assert.equal(formatQuantity(quantityOf(1024, "BinarySI")), "1Ki");
  assert.equal(compareQuantities("1Gi", "1073741824"), 0);
  assert.equal(compareQuantities("1", "1001m"), -1);
  assert.equal(compareQuantities("-1", "-2"), 1);
  assert.equal(compareQuantities("1e2000000000", "1e1999999999"), 0);
  assert.equal(compareQuantities("1e100000", "1"), 1);
});
