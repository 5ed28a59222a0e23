import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "../../api/generated/core-v1.ts";
import { planRoutes, routeBatch } from "./routes.ts";

const node = (name: string, address: string | undefined, podCIDR: string | undefined): Node => ({
  apiVersion: "v1", kind: "Node", metadata: { name }, spec: { ...(podCIDR !== undefined && { podCIDR }) },
  status: { ...(address !== undefined && { addresses: [{ type: "InternalIP", address }] }) },
});

test("a route for every other node that has both an address and a pod range", () => {
  const all = [node("a", "10.222.0.10", "10.128.0.0/24"), node("b", "10.222.0.11", "10.128.1.0/24"), node("c", undefined, "10.128.2.0/24"), node("d", "10.222.0.13", undefined)];
  assert.deepEqual(planRoutes(all, "a"), [{ podCidr: "10.128.1.0/24", via: "10.222.0.11" }]);
});

test("only differences are changed", () => {
  const b = { podCidr: "10.128.1.0/24", via: "10.222.0.11" };
  assert.equal(routeBatch([b], [b]), "");
  assert.equal(routeBatch([{ ...b, via: "10.222.0.12" }], [b]), "route replace 10.128.1.0/24 via 10.222.0.12 proto 107\n");
  assert.equal(routeBatch([], [b]), "route delete 10.128.1.0/24\n");
});
