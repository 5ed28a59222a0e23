import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJsonPath, relaxedJsonPath } from "./jsonpath.ts";

const data = {
  kind: "List",
  items: [
    { kind: "None", metadata: { name: "127.0.0.1", labels: { "kubernetes.io/hostname": "h1" } }, status: { capacity: { cpu: "4" }, addresses: [{ type: "LegacyHostIP", address: "127.0.0.1" }], ready: true, count: 3 } },
    { kind: "None", metadata: { name: "127.0.0.2" }, status: { capacity: { cpu: "8" }, addresses: [{ type: "A", address: "127.0.0.2" }, { type: "B", address: "127.0.0.3" }], count: 5, none: null } },
  ],
  users: [{ name: "myself", user: {} }, { name: "e2e", user: { username: "admin", password: "<secret>" } }],
};

test("templates of kubectl's documentation and their like", () => {
  for (const [template, expected] of [
    ["kind is {.kind}", "kind is List"], ["kind is {@.kind} {$.kind}", "kind is List List"], ["{['kind']}", "List"], ["{..metadata.name}", "127.0.0.1 127.0.0.2"], ["{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"],
    ["{.users[0].name}", "myself"], ["{.users[-1].name}", "e2e"], ["{.users[0:2].name}", "myself e2e"], ["{.users[:1].name}", "myself"], ["{.items[*]['metadata.name', 'status.capacity.cpu']}", "127.0.0.1 127.0.0.2 4 8"],
    ['{.users[?(@.name=="e2e")].user.password}', "<secret>"], ['{.users[?(@.name=="e2e")].user}', '{"password":"\\u003csecret\\u003e","username":"admin"}'],
    ['{range .items[*]}[{.metadata.name}, {.status.capacity.cpu}] {end}', "[127.0.0.1, 4] [127.0.0.2, 8] "], ['{range .items[*]}{.metadata.name}{"\\t"}{.status.capacity.cpu}{"\\n"}{end}', "127.0.0.1\t4\n127.0.0.2\t8\n"],
    ["{range .items[*]}{.metadata.name}:{range .status.addresses[*]}{.address},{end};{end}!", "127.0.0.1:127.0.0.1,;127.0.0.2:127.0.0.2,127.0.0.3,;!"],
    ["{.items[0].metadata.labels.kubernetes\\.io/hostname}", "h1"], ["{.items[0].metadata.labels['kubernetes\\.io/hostname']}", "h1"], ['{.items[?(@.status.count>3)].metadata.name}', "127.0.0.2"],
    ["{.items[?(@.metadata.labels)].metadata.name}", "127.0.0.1"], ["{.items[0].status.ready}", "true"], ["{.items[1].status.none}", "null"], ["{.items[?(@.status.addresses[0].type=='A')].kind}", "None"], ["{'a'}{1}{true}", "a1true"], ["", ""],
  ] as const) assert.equal(parseJsonPath(template).format(data), expected, template);
  assert.equal(parseJsonPath("{.nope}x", { allowMissingKeys: true }).format(data), "x");
});

test("mistakes", () => {
  for (const [template, message] of [
    ["{.nope}", "nope is not found"], ["{.users[5]}", "array index out of bounds: index 5, length 2"], ["{.kind[0]}", "string is not array or slice"], ["{.kind", "unclosed action"], ["{end}", "not in range, nothing to end"],
    ["{.users[a]}", "invalid array index a"], ["{.users[0}", "unterminated array"], ["{!}", "unrecognized character in action: U+0021 '!'"], ["{foo}", "unrecognized identifier foo"], ["{'a}", "unterminated quoted string"],
  ] as const) assert.throws(() => parseJsonPath(template).format(data), { message }, template);
});

test("relaxed expressions", () => {
  for (const expression of ["metadata.name", ".metadata.name", "{metadata.name}", "{.metadata.name}"]) assert.equal(relaxedJsonPath(expression), "{.metadata.name}");
  assert.throws(() => relaxedJsonPath("{a}{b}"), /unexpected path string/);
});
