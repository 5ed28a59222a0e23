import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../stdx/random.ts";
import { fieldErrorText } from "./field-error.ts";
import { fnv32a, templateHash } from "./hash.ts";
import { parseIntOrString, scaledIntOrPercent } from "./int-or-string.ts";
import { generateName, safeEncode } from "./names.ts";
import {
  annotationsErrors, asNamePrefix, cidrErrors, configMapKeyErrors, dns1035LabelErrors, dns1123LabelErrors, dns1123SubdomainErrors, envVarNameErrors, ipErrors, labelKeyErrors, labelSelectorErrors, labelValueErrors,
  portNameErrors, portNumberErrors, relaxedEnvVarNameErrors,
} from "./validation.ts";

test("names and their like", () => {
  for (const [check, good, bad] of [
    [dns1123LabelErrors, ["a", "a-b", "0", "a".repeat(63)], ["", "A", "-a", "a-", "a.b", "a_b", "a".repeat(64)]],
    [dns1123SubdomainErrors, ["a", "a.b", "1.2", "a".repeat(253)], ["", "a..b", ".a", "A.b", "a".repeat(254)]],
    [dns1035LabelErrors, ["a", "a1"], ["1a", "", "a.b"]], [labelKeyErrors, ["a", "a.b/C_d", "1"], ["", "/a", "a/", "a/b/c", "-a", "A/b", "a".repeat(64)]],
    [labelValueErrors, ["", "a", "A.b_c-1"], ["-a", "a b", "a".repeat(64), "é"]], [envVarNameErrors, ["A", "a.b-c_1"], ["1a", "", "..", "a b"]], [relaxedEnvVarNameErrors, ["1", "a b!"], ["", "a=b", "é"]],
    [configMapKeyErrors, ["a.b", "_", "..."].slice(0, 2), ["", ".", "..", "..a", "a/b"]], [portNameErrors, ["http", "a-1"], ["", "HTTP", "1", "a--b", "-a", "a-", "a".repeat(16)]],
  ] as const) {
    for (const value of good) assert.deepEqual(check(value), [], value);
    for (const value of bad) assert.notDeepEqual(check(value), [], value);
  }
  assert.deepEqual(dns1123LabelErrors("a.b"), ["must not contain dots"]);
  assert.deepEqual(dns1123SubdomainErrors("A"), [
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ]);
  assert.deepEqual(labelValueErrors("a".repeat(64)), ["must be no more than 63 bytes"]);
  assert.deepEqual(portNumberErrors(0), ["must be between 1 and 65535, inclusive"]);
  assert.deepEqual(asNamePrefix(dns1123LabelErrors)("web-"), []);
});

test("addresses and blocks", () => {
  for (const [errors, expected] of [
    [ipErrors("f", "10.0.0.1"), []], [ipErrors("f", "010.0.0.1"), ['f: Invalid value: "010.0.0.1": must not have leading 0s']], [ipErrors("f", "x"), ['f: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    [ipErrors("f", "::FFFF"), ['f: Invalid value: "::FFFF": must be in canonical form ("::ffff")']], [ipErrors("f", "::ffff:1.2.3.4"), ['f: Invalid value: "::ffff:1.2.3.4": must not be an IPv4-mapped IPv6 address']],
    [cidrErrors("f", "10.0.0.0/8"), []], [cidrErrors("f", "10.0.0.1/8"), ['f: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length']],
  ] as const) assert.deepEqual(errors.map(fieldErrorText), expected);
});

test("labels of objects", () => {
  assert.deepEqual(annotationsErrors("metadata.annotations", { "A/b": "x" }), []);
  assert.deepEqual(annotationsErrors("metadata.annotations", { a: "x".repeat(262_144) }).map(fieldErrorText), ["metadata.annotations: Too long: may not be more than 262144 bytes"]);
  assert.deepEqual(labelSelectorErrors("spec.selector", { matchExpressions: [{ key: "a", operator: "In" }, { key: "a", operator: "Near" }, { key: "a", operator: "Exists", values: ["x"] }] }).map(fieldErrorText), [
    "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'", 'spec.selector.matchExpressions[1].operator: Invalid value: "Near": not a valid selector operator',
    "spec.selector.matchExpressions[2].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
  ]);
});

test("generated names and hashes", () => {
  assert.match(generateName("web-", seededRandom(1)), /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.equal(generateName("a".repeat(80), seededRandom(1)).length, 63);
  assert.equal(fnv32a("hello"), 0x4f9f2cab);
  assert.equal(safeEncode("0123"), "4567");
  assert.equal(templateHash({ a: 1, b: [{ c: 2, d: 3 }] }), templateHash({ b: [{ d: 3, c: 2 }], a: 1 }));
  assert.notEqual(templateHash({ a: 1 }), templateHash({ a: 1 }, 1));
});

test("numbers or texts", () => {
  assert.deepEqual(["80", "http", "99999999999", "-1"].map(parseIntOrString), [80, "http", "99999999999", -1]);
  for (const [value, total, up, expected] of [[3, 10, true, 3], ["25%", 10, true, 3], ["25%", 10, false, 2], ["0%", 10, true, 0], ["100%", 7, false, 7]] as const) assert.equal(scaledIntOrPercent(value, total, up), expected);
  assert.throws(() => scaledIntOrPercent("5", 10, true), { message: "invalid value for IntOrString: invalid type: string is not a percentage" });
  assert.throws(() => scaledIntOrPercent("x%", 10, true), { message: 'invalid value for IntOrString: invalid value "x%": strconv.Atoi: parsing "x": invalid syntax' });
});
