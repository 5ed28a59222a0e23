import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import {
  prioritylevelconfigurations, type ExemptPriorityLevelConfiguration, type LimitedPriorityLevelConfiguration, type PriorityLevelConfiguration, type PriorityLevelConfigurationSpec,
  type QueuingConfiguration,
} from "../generated/flowcontrol-v1.ts";
import { changeField, withDefaults, withNumberDefaults } from "../defaulting.ts";
import { goForm } from "../go-form.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { mandatoryPriorityLevels } from "./mandatory.ts";
import { statusWithOldMetadata, validateConditionTypes } from "./strategy.ts";

const none = "<none>";

export const priorityLevelConfigurationResource = defineResource<PriorityLevelConfiguration>(prioritylevelconfigurations, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (level) => changeField(level, "spec", (spec) => {
    const exempt = changeField(spec, "exempt", (rules) => withDefaults(rules, { nominalConcurrencyShares: 0, lendablePercent: 0 }));
    return changeField(exempt, "limited", (limited) => changeField(
      withDefaults(limited, { nominalConcurrencyShares: 30, lendablePercent: 0 }),
      "limitResponse", (response) => changeField(response, "queuing", (queuing) => withNumberDefaults(queuing, { queues: 64, handSize: 8, queueLengthLimit: 50 })),
    ));
  }),
  prepareForCreate: (level) => ({ ...level, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusWithOldMetadata(({ status }) => validateConditionTypes(status?.conditions)) },
  validate,
  validateUpdate: (next) => validate(next),
  columns: [
    nameColumn,
    text("Type", ({ spec }) => spec?.type ?? ""),
    text("NominalConcurrencyShares", ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? none),
    text("Queues", ({ spec }) => spec?.limited?.limitResponse?.queuing?.queues ?? none),
    text("HandSize", ({ spec }) => spec?.limited?.limitResponse?.queuing?.handSize ?? none),
    text("QueueLengthLimit", ({ spec }) => spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? none),
    ageColumn,
  ],
});

const emptySpec = {} as PriorityLevelConfigurationSpec;
const queuesMax = 10_000_000;
/** Of a hash, so many bits can be used for shuffling. */
const hashBitsMax = 60;
const preserveZeroAnnotation = "flowcontrol.k8s.io/preserve-zero-concurrency-shares";

function validateShares({ nominalConcurrencyShares: shares = 0 }: { readonly nominalConcurrencyShares?: number }, path: string): readonly FieldError[] {
  return shares < 0 ? [invalid(`${path}.nominalConcurrencyShares`, shares, "must be a non-negative integer")] : [];
}
function validateLendable({ lendablePercent: percent = 0 }: { readonly lendablePercent?: number }, path: string): readonly FieldError[] {
  return percent < 0 || percent > 100 ? [invalid(`${path}.lendablePercent`, percent, "must be between 0 and 100, inclusive")] : [];
}
function validateExempt(exempt: ExemptPriorityLevelConfiguration, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateShares(exempt, path));
  addAll(errors, validateLendable(exempt, path));
  return errors;
}

function validateQueuing({ queueLengthLimit: length = 0, queues = 0, handSize = 0 }: QueuingConfiguration, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (length <= 0) errors.push(invalid(`${path}.queueLengthLimit`, length, "must be positive"));
  if (queues <= 0) errors.push(invalid(`${path}.queues`, queues, "must be positive"));
  else if (queues > queuesMax) errors.push(invalid(`${path}.queues`, queues, `must not be greater than ${queuesMax}`));
  if (handSize <= 0) errors.push(invalid(`${path}.handSize`, handSize, "must be positive"));
  else if (handSize > queues) errors.push(invalid(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`));
  else if (Math.ceil(Math.log2(queues) * handSize) > hashBitsMax) errors.push(invalid(`${path}.handSize`, handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${hashBitsMax}`));
  return errors;
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateShares(limited, path));
  const { type = "", queuing } = limited.limitResponse ?? {};
  const at = `${path}.limitResponse`;
  if (type === "Reject") {
    if (queuing) errors.push(forbidden(`${at}.queuing`, "must be nil if limited.limitResponse.type is not Limited"));
  } else if (type === "Queue") {
    if (queuing) addAll(errors, validateQueuing(queuing, `${at}.queuing`));
    else errors.push(required(`${at}.queuing`, "must not be empty if limited.limitResponse.type is Limited"));
  } else {
    errors.push(notSupported(`${at}.type`, type, ["Queue", "Reject"]));
  }
  addAll(errors, validateLendable(limited, path));
  if ((limited.borrowingLimitPercent ?? 0) < 0) errors.push(invalid(`${path}.borrowingLimitPercent`, limited.borrowingLimitPercent, "if specified, must be a non-negative integer"));
  return errors;
}

function validateSpec(spec: PriorityLevelConfigurationSpec, name: string): readonly FieldError[] {
  const { type = "", exempt, limited } = spec;
  const errors: FieldError[] = [];
  if ((name === "exempt") !== (type === "Exempt")) errors.push(invalid("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  if (type === "Exempt") {
    if (limited) errors.push(forbidden("spec.limited", "must be nil if the type is not Limited"));
    if (exempt) addAll(errors, validateExempt(exempt, "spec.exempt"));
  } else if (type === "Limited") {
    if (exempt) errors.push(forbidden("spec.exempt", "must be nil if the type is Limited"));
    if (limited) addAll(errors, validateLimited(limited, "spec.limited"));
    else errors.push(required("spec.limited", "must not be empty when type is Limited"));
  } else {
    errors.push(notSupported("spec.type", type, ["Exempt", "Limited"]));
  }
  return errors;
}

function validate({ metadata: { name = "", annotations }, spec = emptySpec, status }: PriorityLevelConfiguration): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (annotations?.[preserveZeroAnnotation] !== undefined) errors.push(forbidden("metadata.annotations", `annotation '${preserveZeroAnnotation}' is forbidden`));
  addAll(errors, validateSpec(spec, name));
  const fixed = mandatoryPriorityLevels[name];
  if (name === "exempt" && fixed?.exempt) {
    if (!semanticallyEqual({ ...spec, exempt: fixed.exempt }, fixed)) errors.push(invalid("spec", goForm(spec, "PriorityLevelConfigurationSpec"), `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`));
  } else if (fixed !== undefined && !semanticallyEqual(spec, fixed)) {
    errors.push(invalid("spec", goForm(spec, "PriorityLevelConfigurationSpec"), `spec of '${name}' must equal the fixed value`));
  }
  addAll(errors, validateConditionTypes(status?.conditions));
  return errors;
}
