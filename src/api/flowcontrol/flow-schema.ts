import { invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { absent, dnsSubdomain } from "../checks.ts";
import { flowschemas, type FlowSchema, type FlowSchemaSpec } from "../generated/flowcontrol-v1.ts";
import { changeField, withNumberDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, semanticallyEqual } from "../strategy.ts";
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

function* validate({ metadata: { name = "" }, spec = emptySpec, status }: FlowSchema): Generator<FieldError> {
  const { matchingPrecedence: precedence = 0, distinguisherMethod, priorityLevelConfiguration } = spec;
  const path = "spec.matchingPrecedence";
  if (precedence <= 0) yield invalid(path, precedence, "must be a positive value");
  if (precedence > precedenceMax) yield invalid(path, precedence, `must not be greater than ${precedenceMax}`);
  if (precedence === 1 && name !== "exempt") yield invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  if (distinguisherMethod && !methods.includes(distinguisherMethod.type)) yield notSupported("spec.distinguisherMethod.type", { Type: distinguisherMethod.type ?? "" }, methods);
  const level = priorityLevelConfiguration?.name;
  if (absent(level)) yield required("spec.priorityLevelConfiguration.name", "must reference a priority level");
  else yield* dnsSubdomain("spec.priorityLevelConfiguration.name", level);
  for (const [index, rule] of (spec.rules ?? []).entries()) yield* validateFlowRule(rule, `spec.rules[${index}]`);
  const fixed = mandatoryFlowSchemas[name];
  if (fixed !== undefined && !semanticallyEqual(spec, fixed)) yield invalid("spec", spec, `spec of '${name}' must equal the fixed value`);
  yield* validateConditionTypes(status?.conditions);
}
