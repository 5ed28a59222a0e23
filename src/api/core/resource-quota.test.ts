import { testCreates, testUpdates, testWarnings, type Loose } from "../validation-table.ts";
import { resourceQuotaResource } from "./resource-quota.ts";

const only = (expression: Loose, hard: Loose = { pods: "1" }): Loose => ({ spec: { hard, scopeSelector: { matchExpressions: [expression] } } });
const path = "spec.scopeSelector.matchExpressions";

testCreates(resourceQuotaResource, [
  ["a good one", { spec: { hard: { pods: "10", "requests.cpu": "1", "count/deployments.apps": "2" }, scopes: [] } }, []],
  ["an unknown resource", { spec: { hard: { apples: "1" } } }, ['spec.hard[apples]: Invalid value: "apples": must be a standard resource type or fully qualified', 'spec.hard[apples]: Invalid value: "apples": must be a standard resource for quota']],
  ["below zero, and in parts", { spec: { hard: { pods: "500m", memory: "-1" } } }, ['spec.hard[pods]: Invalid value: "500m": must be an integer', 'spec.hard[memory]: Invalid value: "-1": must be greater than or equal to 0']],
  ["an unknown scope", { spec: { scopes: ["X"] } }, ['spec.scopes: Invalid value: ["X"]: unsupported scope']],
  ["a scope for something else", { spec: { hard: { services: "1", pods: "1" }, scopes: ["BestEffort"] } }, ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource']],
  ["scopes that exclude each other", { spec: { scopes: ["BestEffort", "NotBestEffort"] } }, ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes']],
  ["classes that are selected", only({ scopeName: "PriorityClass", operator: "In", values: ["high"] }), []],
  ["claims of a class", only({ scopeName: "VolumeAttributesClass", operator: "In", values: ["gold"] }, { persistentvolumeclaims: "1", "requests.storage": "1Gi" }), []],
  ["no classes", only({ scopeName: "PriorityClass", operator: "In" }), [`${path}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`]],
  ["a plain scope with values", only({ scopeName: "Terminating", operator: "In", values: ["x"] }), [
    `${path}.operator: Invalid value: "In": must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity`,
  ]],
  ["values where there are none", only({ scopeName: "PriorityClass", operator: "Exists", values: ["x"] }), [`${path}.values: Invalid value: ["x"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`]],
  ["an unknown operator", only({ scopeName: "PriorityClass", operator: "X" }), [`${path}.operator: Invalid value: "X": not a valid selector operator`]],
]);
testUpdates(resourceQuotaResource, [
  ["more", { spec: { hard: { pods: "1" } } }, { spec: { hard: { pods: "2" } } }, []],
  ["other scopes", { spec: { scopes: ["BestEffort"] } }, { spec: {} }, ["spec.scopes: Invalid value: null: field is immutable"]],
]);
testUpdates(resourceQuotaResource, [
  ["what is used", {}, { status: { hard: { pods: "1" }, used: { pods: "-1" } } }, ['status.used[pods]: Invalid value: "-1": must be greater than or equal to 0']],
], "status");
testWarnings(resourceQuotaResource, [
  ["more asked for than may be used", { spec: { hard: { cpu: "2", "limits.cpu": "1", "requests.memory": "1Gi", "limits.memory": "2Gi" } } }, ["ResourceQuota cpu (2) should be less than limits.cpu (1)"]],
]);
