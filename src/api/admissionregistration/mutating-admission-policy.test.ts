import { testCreates, type Loose } from "../validation-table.ts";
import { mutatingAdmissionPolicyResource } from "./mutating-admission-policy.ts";

const rule = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
const mutation = { patchType: "JSONPatch", jsonPatch: { expression: "[]" } };
const policy = (more: Loose): Loose => ({ spec: { matchConstraints: { resourceRules: [rule] }, reinvocationPolicy: "Never", mutations: [mutation], ...more } });
testCreates(mutatingAdmissionPolicyResource, [
  ["a good one", policy({}), []],
  ["nothing to change", policy({ mutations: [], reinvocationPolicy: undefined }), ["spec.mutations: Required value: mutations must contain at least one item", "spec.reinvocationPolicy: Required value"]],
  ["what is deleted", policy({ matchConstraints: { resourceRules: [{ ...rule, operations: ["DELETE"] }] } }), ['spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"']],
  ["a patch of no type", policy({ mutations: [{}, { patchType: "X" }] }), ["spec.mutations[0].patchType: Required value", 'spec.mutations[1].patchType: Unsupported value: "X": supported values: "ApplyConfiguration", "JSONPatch"']],
  ["the other patch", policy({ mutations: [{ patchType: "ApplyConfiguration", jsonPatch: { expression: "[]" } }] }), [
    "spec.mutations[0].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration", 'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
  ]],
]);
