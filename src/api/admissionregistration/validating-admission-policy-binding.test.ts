import { testCreates, type Loose } from "../validation-table.ts";
import { validatingAdmissionPolicyBindingResource } from "./validating-admission-policy-binding.ts";

const binding = (more: Loose): Loose => ({ spec: { policyName: "p", validationActions: ["Deny"], ...more } });
testCreates(validatingAdmissionPolicyBindingResource, [
  ["a good one", binding({ paramRef: { name: "n", parameterNotFoundAction: "Deny" } }), []],
  ["an empty one", { spec: {} }, ["spec.policyName: Required value", "spec.validationActions: Required value: at least one validation action is required"]],
  ["params by name and by label", binding({ paramRef: { name: "n", selector: {} } }), [
    "spec.paramRef.name: Forbidden: name and selector are mutually exclusive", "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive", "spec.paramRef.parameterNotFoundAction: Required value",
  ]],
  ["params of nothing", binding({ paramRef: { parameterNotFoundAction: "X" } }), ["spec.paramRef: Required value: one of name or selector must be specified", 'spec.paramRef.parameterNotFoundAction: Unsupported value: "X": supported values: "Deny", "Allow"']],
  ["saying no twice", binding({ validationActions: ["Deny", "Warn", "Warn", "X"] }), [
    'spec.validationActions[2]: Duplicate value: "Warn"', 'spec.validationActions[3]: Unsupported value: "X": supported values: "Audit", "Deny", "Warn"',
    'spec.validationActions: Invalid value: ["Deny","Warn","Warn","X"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
  ]],
]);
