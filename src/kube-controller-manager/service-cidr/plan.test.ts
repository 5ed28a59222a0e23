import assert from "node:assert/strict";
import { test } from "node:test";
import type { IPAddress, ServiceCIDR } from "../../api/generated/networking-v1.ts";
import { planServiceCidr, protectionFinalizer, readyCondition, terminatingCondition } from "./plan.ts";

const deletedMs = Date.parse("2026-01-01T00:00:00Z");
const range = (name: string, cidrs: readonly string[], more: { readonly deleted?: boolean; readonly ready?: boolean; readonly finalizers?: readonly string[] } = {}): ServiceCIDR => ({
  apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR",
  metadata: { name, finalizers: more.finalizers ?? [protectionFinalizer], ...(more.deleted && { deletionTimestamp: "2026-01-01T00:00:00Z" }) },
  spec: { cidrs },
  status: { ...(more.ready !== undefined && { conditions: [{ type: "Ready", lastTransitionTime: "", ...(more.ready ? readyCondition : terminatingCondition) }] }) },
});
const address = (name: string, managedBy = "ipallocator.k8s.io"): IPAddress => ({ apiVersion: "networking.k8s.io/v1", kind: "IPAddress", metadata: { name, labels: { "ipaddress.kubernetes.io/managed-by": managedBy } }, spec: { parentRef: { resource: "services", namespace: "default", name: "a" } } });
const ten = "10.0.0.0/24";

for (const [what, object, others, addresses, afterMs, expected] of [
  ["a new one is protected first", range("a", [ten], { finalizers: [] }), [], [], 0, { is: "addFinalizer" }],
  ["then it is ready", range("a", [ten]), [], [], 0, { is: "condition", condition: readyCondition }],
  ["and that is all", range("a", [ten], { ready: true }), [], [address("10.0.0.5")], 0, { is: "nothing" }],
  ["one with addresses stays", range("a", [ten], { deleted: true, ready: true }), [], [address("10.0.0.5")], 20_000, { is: "condition", condition: terminatingCondition }],
  ["and says so once", range("a", [ten], { deleted: true, ready: false }), [], [address("10.0.0.5")], 20_000, { is: "nothing" }],
  ["others' addresses hold nothing", range("a", [ten], { deleted: true }), [], [address("10.0.0.5", "me")], 20_000, { is: "removeFinalizer" }],
  ["nor do the network's and the broadcast address", range("a", [ten], { deleted: true }), [], [address("10.0.0.0"), address("10.0.0.255")], 20_000, { is: "removeFinalizer" }],
  ["a wider one takes over", range("a", [ten], { deleted: true }), [range("b", ["10.0.0.0/16"])], [address("10.0.0.5")], 20_000, { is: "removeFinalizer" }],
  ["so does one of the same range", range("a", [ten], { deleted: true }), [range("b", [ten])], [address("10.0.0.5")], 20_000, { is: "removeFinalizer" }],
  ["a narrower one takes what it holds", range("a", [ten], { deleted: true }), [range("b", ["10.0.0.0/28"])], [address("10.0.0.5")], 20_000, { is: "removeFinalizer" }],
  ["and no more", range("a", [ten], { deleted: true, ready: false }), [range("b", ["10.0.0.0/28"])], [address("10.0.0.5"), address("10.0.0.50")], 20_000, { is: "nothing" }],
  ["not before all servers know", range("a", [ten], { deleted: true }), [], [], 4_000, { is: "wait", forMs: 6_000 }],
  ["the second family counts as well", range("a", [ten, "fd00::/112"], { deleted: true, ready: false }), [range("b", [ten])], [address("fd00::7")], 20_000, { is: "nothing" }],
] as const) {
  test(`ServiceCIDR: ${what}`, () => assert.deepEqual(planServiceCidr(object, [object, ...others], addresses, deletedMs + afterMs), expected));
}
