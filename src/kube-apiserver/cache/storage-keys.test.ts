import assert from "node:assert/strict";
import { test } from "node:test";
import { prefixInKey, prefixOf } from "./storage-keys.ts";

test("keys are laid out as upstream lays them out", () => {
  const cases = [
    ["", "pods", "/registry/pods/"], ["", "nodes", "/registry/minions/"], ["", "services", "/registry/services/specs/"], ["", "endpoints", "/registry/services/endpoints/"],
    ["", "replicationcontrollers", "/registry/controllers/"], ["", "events", "/registry/events/"], ["apps", "deployments", "/registry/deployments/"],
    ["networking.k8s.io", "ingresses", "/registry/ingress/"], ["networking.k8s.io", "ingressclasses", "/registry/ingressclasses/"],
    ["coordination.k8s.io", "leases", "/registry/leases/"], ["rbac.authorization.k8s.io", "clusterroles", "/registry/clusterroles/"],
    ["apiextensions.k8s.io", "customresourcedefinitions", "/registry/apiextensions.k8s.io/customresourcedefinitions/"],
    ["apiregistration.k8s.io", "apiservices", "/registry/apiregistration.k8s.io/apiservices/"], ["stable.example.com", "crontabs", "/registry/stable.example.com/crontabs/"],
  ] as const;
  for (const [group, plural, prefix] of cases) assert.equal(prefixOf({ group, plural }), prefix);
  const prefixes = new Set(cases.map(([, , prefix]) => prefix as string));
  for (const prefix of prefixes) for (const rest of ["name", "namespace/name"]) assert.equal(prefixInKey(prefix + rest, prefixes), prefix);
  for (const other of ["/registry/ranges/serviceips", "/registry/health", "/registry/other.example.com/pods/x", "compact_rev_key"]) assert.equal(prefixInKey(other, prefixes), undefined);
});
