import assert from "node:assert/strict";
import { test } from "node:test";
import { formatYaml, parseYaml, parseYamlDocuments, parseYamlStrict } from "./yaml.ts";

test("plain words mean what kubectl 1.36 takes them for", () => {
  for (const [text, expected] of [
    ["on", true], ["y", true], ["n", false], ["No", false], ["~", null], ["0644", 420], ["0o144", 100], ["0x1F", 31], ["0b11", 3], ["1_000", 1000], ["12:30", "12:30"], ["2001-12-14", "2001-12-14"],
    ["1.0", 1], ["1e3", 1000], [".5", 0.5], ["08", 8], ["1e400", "1e400"], ["-x", "-x"], ["'yes'", "yes"], ['"1"', "1"], ["!!str 1", "1"], ["12345678901234567890", 12345678901234567000], ["tRUE", "tRUE"],
  ] as const) assert.deepEqual(parseYaml(`a: ${text}`), { a: expected }, text);
  assert.deepEqual(parseYaml("on: 1\n1: 2\n"), { true: 1, 1: 2 });
  assert.deepEqual(parseYaml('{"a": [1, "x"]}'), { a: [1, "x"] });
  assert.deepEqual(parseYaml("{a: [1, x]}"), { a: [1, "x"] });
});

test("anchors, merge keys, several documents", () => {
  assert.deepEqual(parseYaml("a: &x {b: 1, c: 2}\nd: *x\ne:\n  <<: *x\n  c: 3\n"), { a: { b: 1, c: 2 }, d: { b: 1, c: 2 }, e: { c: 3, b: 1 } });
  assert.deepEqual(parseYamlDocuments("---\na: 1\n---\n# nothing\n---\nb: 2\n...\n").map(({ value }) => value), [{ a: 1 }, { b: 2 }]);
  assert.deepEqual(parseYamlStrict("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n"), { value: { a: 3, b: { c: 2 } }, duplicates: ['line 4: key "c" already set in map', 'line 5: key "a" already set in map'] });
});

test("mistakes in the words of Go", () => {
  for (const [text, message] of [
    ["a: b: c\n", "yaml: mapping values are not allowed in this context"], ["a: 1\n  b: 2\n", "yaml: line 2: mapping values are not allowed in this context"],
    ["a: [1, 2\nb: 1\n", "yaml: line 1: did not find expected ',' or ']'"], ["a:\n\t- b\n", "yaml: line 2: found character that cannot start any token"], ["a: 'x\n", "yaml: line 2: found unexpected end of stream"],
    ["a:\n  - b\n c: d\n", "yaml: line 2: did not find expected key"], ["a: b\nc\n", "yaml: line 3: could not find expected ':'"], ["a: .inf", "json: unsupported value: +Inf"], ["a: *x\n", "yaml: unknown anchor 'x' referenced"],
  ] as const) assert.throws(() => parseYaml(text), { message }, text);
  assert.throws(() => parseYaml("[".repeat(100_000)), { name: "YamlError" });
});

/** Printed by `kubectl label --local -o yaml` of 1.36.4. */
const golden = `apiVersion: v1
data:
  k0: "yes"
  k2: "0644"
  k3: "1e3"
  k4: ""
  k5: "null"
  k6: '- x'
  k7: -x
  k8: ' lead'
  k9: 'trail '
  k10: 'a: b'
  k11: a:b
  k12: "12:30:00"
  k13: "2026-11-21T07:34:15Z"
  k14: é
  k15: "\\U0001F600"
  k16: "tab\\there"
  k17: |-
    nl
    end
  k18: |
    nl
  k19: |+
    two

  k20: |2-
     sp
    x
  k21: "x \\ny"
  k22: '''x'
  k23: back\\slash
  k24: '{a}'
  k25: ""
  k26: <<
  k27: 'w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19 w20
    w21 w22 w23 '
  k28: w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19 w20 w21
    w22 w23
kind: ConfigMap
list:
- a: 1
  b:
  - x
  - []
- - 1
  - null
- {}
metadata:
  "1.5": v
  "true": true
`;

test("texts are quoted, blocked and folded as kubectl does it", () => {
  const words = Array.from({ length: 24 }, (_, index) => `w${index}`).join(" ");
  const values = [
    "yes", undefined, "0644", "1e3", "", "null", "- x", "-x", " lead", "trail ", "a: b", "a:b", "12:30:00", "2026-11-21T07:34:15Z", "é", "😀", "tab\there", "nl\nend", "nl\n", "two\n\n", " sp\nx", "x \ny", "'x", "back\\slash", "{a}", "",
    "<<", `${words} `, words,
  ];
  const value = {
    kind: "ConfigMap", apiVersion: "v1", metadata: { "true": true, "1.5": "v" }, list: [{ b: ["x", []], a: 1 }, [1, null], {}], data: Object.fromEntries(values.map((each, index) => [`k${index}`, each])),
  };
  assert.equal(formatYaml(value), golden);
  assert.deepEqual(parseYaml(formatYaml(value)), JSON.parse(JSON.stringify(value)));
});
