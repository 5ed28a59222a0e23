import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeFieldValue, formatFieldMatcher, matchesFields, parseFieldSelector } from "./field-selector.ts";
import { formatLabelMatcher, labelMatcherOf, matchesLabels, parseLabelSelector } from "./label-selector.ts";

test("label selectors are parsed, sorted and printed", () => {
  for (const [text, expected] of [
    ["", ""], ["x", "x"], ["!x", "!x"], ["x=a,y=b", "x=a,y=b"], ["y=b,x=a", "x=a,y=b"], ["x==a", "x==a"], ["x!=a", "x!=a"], ["x in (b, a)", "x in (a,b)"], ["x notin (a)", "x notin (a)"],
    ["x in ()", "x in ()"], ["x in (,a)", "x in (,a)"], ["x>1", "x>1"], ["x<2,y", "x<2,y"], ["x=", "x="], [" x = a ", "x=a"], ["in in (in,notin)", "in in (in,notin)"], ["x in (a,a)", "x in (a)"],
  ] as const) assert.equal(formatLabelMatcher(parseLabelSelector(text)), expected, text);
});

test("label selectors match", () => {
  const labels = { app: "web", tier: "front", size: "10" };
  for (const [text, expected] of [
    ["", true], ["app", true], ["!app", false], ["app=web", true], ["app=db", false], ["app!=db", true], ["none!=x", true], ["app in (web,db)", true], ["none in (a)", false], ["app notin (web)", false],
    ["none notin (a)", true], ["size>9", true], ["size<9", false], ["app>1", false], ["app=web,tier=back", false],
  ] as const) assert.equal(matchesLabels(parseLabelSelector(text), labels), expected, text);
});

test("bad label selectors", () => {
  for (const [text, message] of [
    ["x=a b", "found 'b', expected: ',' or 'end of string'"],
    ["x in a", "unable to parse requirement: found 'a' expected: '('"],
    ["=a", "found '=', expected: !, identifier, or 'end of string'"],
    ["x,", "found '', expected: identifier after ','"],
    ["x y", "unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, gt, lt"],
    ["x>a", "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer"],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    ["-x=a", "unable to parse requirement: <nil>: Invalid value: \"-x\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"],
  ] as const) assert.throws(() => parseLabelSelector(text), { message }, text);
});

test("selectors of objects", () => {
  assert.equal(matchesLabels(labelMatcherOf(undefined), {}), false);
  assert.equal(matchesLabels(labelMatcherOf({}), {}), true);
  const matcher = labelMatcherOf({ matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "NotIn", values: ["back"] }] });
  assert.equal(matchesLabels(matcher, { app: "web" }), true);
  assert.equal(formatLabelMatcher(matcher), "app=web,tier notin (back)");
  assert.throws(() => labelMatcherOf({ matchExpressions: [{ key: "a", operator: "Near" }] }), { message: '"Near" is not a valid label selector operator' });
});

test("field selectors", () => {
  const fields: Record<string, string> = { "metadata.name": "web", "status.phase": "a,b=c\\" };
  for (const [text, expected] of [
    ["", true], ["metadata.name=web", true], ["metadata.name==web", true], ["metadata.name!=web", false], [`status.phase=${escapeFieldValue("a,b=c\\")}`, true], ["none=", true], ["none!=", false], ["metadata.name=web,none=x", false],
  ] as const) {
    assert.equal(matchesFields(parseFieldSelector(text), (field) => fields[field] ?? ""), expected, text);
  }
  assert.equal(formatFieldMatcher(parseFieldSelector("b!=2,a==x\\,y")), "a=x\\,y,b!=2");
  for (const [text, message] of [
    ["a", "invalid selector: 'a'; can't understand 'a'"], ["a=b=c", "invalid field selector: unescaped character in value: 61"],
    ["a=\\x", "invalid field selector: invalid escape sequence: \\x"], ["a=b\\", "invalid field selector: invalid escape sequence: \\"],
  ] as const) assert.throws(() => parseFieldSelector(text), { message, reason: "BadRequest" }, text);
});
