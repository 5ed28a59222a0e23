import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson, parseJsonStrict } from "./json.ts";

test("the parser of our own agrees with the engine's", () => {
  for (const text of [
    "{}", "[]", "null", "true", " [1, -2.5e3, 0, 1E+2] ", '{"a":{"b":[{"c":"d"},[]]},"e":""}', '"\\u00e9\\n\\"\\\\\\/é😀\\ud83d\\ude00"', '{"__proto__":1}', '[[[]],{},{"a":[]}]', "0.1",
  ]) assert.deepEqual(parseJsonStrict(text).value, JSON.parse(text), text);
});

test("errors in the words of Go", () => {
  for (const [text, message] of [
    ["", "unexpected end of JSON input"], ["{", "unexpected end of JSON input"], ["[1,", "unexpected end of JSON input"], ['{"a":1', "unexpected end of JSON input"], ['"abc', "unexpected end of JSON input"],
    ["x", "invalid character 'x' looking for beginning of value"], ["{x", "invalid character 'x' looking for beginning of object key string"], ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"], ["[1 2]", "invalid character '2' after array element"], ["{} x", "invalid character 'x' after top-level value"], ["tru1", "invalid character '1' in literal true (expecting 'e')"],
    ["01", "invalid character '1' after top-level value"], ["-a", "invalid character 'a' in numeric literal"], ["1.a", "invalid character 'a' after decimal point in numeric literal"], ["1ea", "invalid character 'a' in exponent of numeric literal"],
    ['"\n"', "invalid character '\\n' in string literal"], ['"\\x"', "invalid character 'x' in string escape code"], ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"], ["é", "invalid character 'Ã' looking for beginning of value"],
    ["[1,]", "invalid character ']' looking for beginning of value"], ['{"a":1,}', "invalid character '}' looking for beginning of object key string"], ["'a'", "invalid character '\\'' looking for beginning of value"],
    ["apiVersion: v1", "invalid character 'a' looking for beginning of value"],
  ] as const) assert.throws(() => parseJson(text), { message }, text);
});

test("depth is bounded", () => {
  assert.throws(() => parseJson("[".repeat(10_001)), { message: "exceeded max depth" });
  assert.throws(() => parseJson('{"a":'.repeat(20_000)), { message: "exceeded max depth" });
  assert.throws(() => parseJson("[".repeat(10_000)), { message: "unexpected end of JSON input" });
  assert.ok(parseJson("[".repeat(10_000) + "]".repeat(10_000)));
  assert.equal(parseJson(JSON.stringify("[".repeat(20_000))), "[".repeat(20_000));
});

test("duplicate fields are found, the last counts", () => {
  const { value, duplicates } = parseJsonStrict('{"a":1,"b":{"c":1,"c":2},"a":3}');
  assert.deepEqual(value, { a: 3, b: { c: 2 } });
  assert.deepEqual([...duplicates.values()], [[{ key: "c", position: 1 }], [{ key: "a", position: 2 }]]);
});

test("what looks like a field is none, and a repeated one is found wherever it is", () => {
  for (const text of ['{}', '[]', '1', '":"', '{"a:b":":"}', '{"a\\"":":\\\\","b":[{"c":{"\\\\":1}}]}', '{"__proto__":{"a":1},"constructor":2}', '[{"a":1},{"a":1}]', ' { "a" : [ ] } ']) {
    const { value, duplicates } = parseJsonStrict(text);
    assert.deepEqual(value, JSON.parse(text), text);
    assert.equal(duplicates.size, 0, text);
  }
  for (const [text, key] of [
    ['[[{"a":1,"a":1}]]', "a"], ['{"a":{"b":[0,{"":1,"":2}]}}', ""], ['{"__proto__":1,"__proto__":2}', "__proto__"], ['{"a":1,"\\u0061":2}', "a"], ['{":":1,"x":"\\":","\\u003a":2}', ":"], ['{"1":0,"0":0,"1":{}}', "1"],
  ] as const) {
    const { value, duplicates } = parseJsonStrict(text);
    assert.deepEqual(value, JSON.parse(text), text);
    assert.deepEqual([...duplicates.values()].flat().map((each) => each.key), [key], text);
  }
});
