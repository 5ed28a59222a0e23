import { testCreates, testUpdates, type Loose } from "../validation-table.ts";
import { flowSchemaResource } from "./flow-schema.ts";
import { mandatoryFlowSchemas } from "./mandatory.ts";

const subjects = [{ kind: "User", user: { name: "u" } }];
const resourceRules = [{ verbs: ["get"], apiGroups: [""], resources: ["pods"], namespaces: ["default"] }];
const rule = (more: Loose): Loose => ({ spec: { priorityLevelConfiguration: { name: "p" }, rules: [{ subjects, resourceRules, ...more }] } });
const at = "spec.rules[0]";
testCreates(flowSchemaResource, [
  ["a good one", rule({}), []],
  ["the fixed one", { metadata: { name: "exempt" }, spec: mandatoryFlowSchemas["exempt"] }, []],
  ["the fixed one, changed", { metadata: { name: "catch-all" }, spec: { priorityLevelConfiguration: { name: "p" } } }, [
    "spec: Invalid value: {\"priorityLevelConfiguration\":{\"name\":\"p\"},\"matchingPrecedence\":1000}: spec of 'catch-all' must equal the fixed value",
  ]],
  ["before all others", { spec: { priorityLevelConfiguration: { name: "p" }, matchingPrecedence: 1 } }, ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"]],
  ["no level", { spec: { matchingPrecedence: 10001, distinguisherMethod: { type: "X" } } }, [
    "spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000", 'spec.distinguisherMethod.type: Unsupported value: {"Type":"X"}: supported values: "ByNamespace", "ByUser"',
    "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
  ]],
  ["an empty rule", rule({ subjects: [], resourceRules: [] }), [`${at}.subjects: Required value: subjects must contain at least one value`, `${at}: Required value: at least one of resourceRules and nonResourceRules has to be non-empty`]],
  ["a subject of two kinds", rule({ subjects: [{ kind: "Group", user: { name: "u" } }] }), [`${at}.subjects[0].group: Required value: group is required when subject kind is 'Group'`, `${at}.subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'`]],
  ["an account of no namespace", rule({ subjects: [{ kind: "ServiceAccount", serviceAccount: { name: "*" } }] }), [`${at}.subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account`]],
  ["an unknown kind", rule({ subjects: [{ kind: "X" }] }), [`${at}.subjects[0].kind: Unsupported value: "X": supported values: "Group", "ServiceAccount", "User"`]],
  ["unknown verbs", rule({ resourceRules: [{ verbs: ["do"], apiGroups: [""], resources: ["pods"], clusterScope: true }] }), [
    `${at}.resourceRules[0].verbs: Unsupported value: ["do"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"`,
  ]],
  ["no namespace", rule({ resourceRules: [{ verbs: ["*"], apiGroups: ["*", "a"], resources: [] }] }), [
    `${at}.resourceRules[0].apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other api groups`, `${at}.resourceRules[0].resources: Required value: resource rules must supply at least one resource`,
    `${at}.resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace`,
  ]],
  ["a star inside", rule({ nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/a*", "b"] }] }), [
    `${at}.nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching`, `${at}.nonResourceRules[0].nonResourceURLs[1]: Invalid value: "b": must start with slash`,
  ]],
]);
testUpdates(flowSchemaResource, [["a condition twice", rule({}), { status: { conditions: [{ type: "A" }, { type: "A" }, {}] } }, ['status.conditions[1].type: Duplicate value: "A"', "status.conditions[2].type: Required value"]]], "status");
