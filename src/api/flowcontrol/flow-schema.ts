import { invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { absent, dnsSubdomain } from "../checks.ts";
import { flowschemas, type FlowSchema, type FlowSchemaSpec } from "../generated/flowcontrol-v1.ts";
import { changeField, withNumberDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { mandatoryFlowSchemas } from "./mandatory.ts";
import { validateFlowRule } from "./rule-validation.ts";
import { statusWithOldMetadata, validateConditionTypes } from "./strategy.ts";

const matchingPrecedence = 1000;

export const flowSchemaResource = defineResource<FlowSchema>(flowschemas, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (schema) => changeField(withStruct(schema, "spec"), "spec", (spec) => withNumberDefaults(spec, { matchingPrecedence })),
  prepareForCreate: (schema) => ({ ...schema, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusWithOldMetadata(({ status }) => validateConditionTypes(status?.conditions)) },
  validate,
  validateUpdate: (next) => validate(next),
  columns: [
    nameColumn,
    text("PriorityLevel", ({ spec }) => spec?.priorityLevelConfiguration?.name ?? ""),
    text("MatchingPrecedence", ({ spec }) => spec?.matchingPrecedence ?? 0),
    text("DistinguisherMethod", ({ spec }) => spec?.distinguisherMethod?.type ?? "<none>"),
    ageColumn,
    text("MissingPL", ({ status }) => status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?"),
  ],
});

const precedenceMax = 10_000;
const emptySpec = {} as FlowSchemaSpec;
const methods = ["ByNamespace", "ByUser"];

function validate({ metadata: { name = "" }, spec = emptySpec, status }: FlowSchema): readonly FieldError[] {
  const { matchingPrecedence: precedence = 0, distinguisherMethod, priorityLevelConfiguration } = spec;
  const path = "spec.matchingPrecedence";
  const errors: FieldError[] = [];
  if (precedence <= 0) errors.push(invalid(path, precedence, "must be a positive value"));
  if (precedence > precedenceMax) errors.push(invalid(path, precedence, `must not be greater than ${precedenceMax}`));
  if (precedence === 1 && name !== "exempt") errors.push(invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  if (distinguisherMethod && !methods.includes(distinguisherMethod.type)) errors.push(notSupported("spec.distinguisherMethod.type", { Type: distinguisherMethod.type ?? "" }, methods));
  const level = priorityLevelConfiguration?.name;
  if (absent(level)) errors.push(required("spec.priorityLevelConfiguration.name", "must reference a priority level"));
  else addAll(errors, dnsSubdomain("spec.priorityLevelConfiguration.name", level));
  for (const [index, rule] of (spec.rules ?? []).entries()) addAll(errors, validateFlowRule(rule, `spec.rules[${index}]`));
  const fixed = mandatoryFlowSchemas[name];
  if (fixed !== undefined && !semanticallyEqual(spec, fixed)) errors.push(invalid("spec", spec, `spec of '${name}' must equal the fixed value`));
  addAll(errors, validateConditionTypes(status?.conditions));
  return errors;
}
