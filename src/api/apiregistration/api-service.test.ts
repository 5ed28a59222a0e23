import assert from "node:assert/strict";
import { test } from "node:test";
import { stored, testCreates, testUpdates, type Loose } from "../validation-table.ts";
import type { Resource } from "../resource.ts";
import { apiServiceResource } from "./api-service.ts";

const good = { group: "example.com", version: "v1", groupPriorityMinimum: 1000, versionPriority: 15 };
const service = (more: Loose, name = "v1.example.com"): Loose => ({ metadata: { name }, spec: { ...good, ...more } });
testCreates(apiServiceResource, [
  ["a local one", service({}), []],
  ["another name", service({}, "v2.example.com"), ['metadata.name: Invalid value: "v2.example.com": must be `spec.version+"."+spec.group`: "v1.example.com"']],
  ["no group", service({ group: "", version: "v2" }, "v2."), ["spec.group: Required value: only v1 may have an empty group and it better be legacy kube"]],
  ["no priority", service({ groupPriorityMinimum: 0, versionPriority: 1001 }), ["spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000", "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000"]],
  ["trust that nobody needs", service({ caBundle: "YWJj", insecureSkipTLSVerify: true }), ['spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle', "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify"]],
  ["a service of no name", service({ service: { port: -1 } }), ["spec.service.namespace: Required value", "spec.service.name: Required value", "spec.service.port: Invalid value: -1: port is not valid: must be between 1 and 65535, inclusive"]],
  ["trust, and none", service({ service: { name: "s", namespace: "n" }, caBundle: "YWJj", insecureSkipTLSVerify: true }), ["spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"]],
]);
testUpdates(apiServiceResource, [["an unknown status", service({}), { status: { conditions: [{ type: "A", status: "X" }] } }, ['status.conditions[0].status: Unsupported value: "X": supported values: "True", "False", "Unknown"']]], "status");

test("what the server serves itself is available at once", () => {
  const { status } = stored(apiServiceResource as unknown as Resource, service({})) as unknown as { readonly status: unknown };
  assert.deepEqual(status, { conditions: [{ type: "Available", status: "True", reason: "Local", message: "Local APIServices are always available" }] });
});
