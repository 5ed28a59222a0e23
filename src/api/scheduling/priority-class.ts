import { forbidden, type FieldError } from "../../apimachinery/field-error.ts";
import { immutable, oneOf } from "../checks.ts";
import { priorityclasses, type PriorityClass } from "../generated/scheduling-v1.ts";
import { withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn, text, yesNo } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

export const priorityClassResource = defineResource<PriorityClass>(priorityclasses, {
  validateName: dnsSubdomainName,
  generation: true,
  generationGrows: () => false,
  defaults: (priorityClass) => withDefaults(priorityClass, { preemptionPolicy: "PreemptLowerPriority" }),
  validate,
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    if ((next.value ?? 0) !== (previous.value ?? 0)) errors.push(forbidden("value", "may not be changed in an update."));
    addAll(errors, immutable("preemptionPolicy", next.preemptionPolicy, previous.preemptionPolicy));
    return errors;
  },
  columns: [
    nameColumn, integer("Value", ({ value }) => value ?? 0), yesNo("Global-Default", ({ globalDefault }) => globalDefault === true), ageColumn,
    text("PreemptionPolicy", ({ preemptionPolicy }) => preemptionPolicy ?? ""),
  ],
});

/** Priorities above this one are the system's. */
const userPriorityMax = 1_000_000_000;
const systemPrefix = "system-";
const systemPriorities: Readonly<Record<string, number>> = { "system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000 };

function validate({ metadata: { name = "" }, value = 0, globalDefault = false, preemptionPolicy }: PriorityClass): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (name.startsWith(systemPrefix)) {
    const known = systemPriorities[name];
    const problem = known === undefined ? `${name} is not a known system priority class`
      : known !== value ? `value of ${name} PriorityClass must be ${known}`
        : globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
    if (problem !== undefined) errors.push(forbidden("metadata.name", `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${problem}`));
  } else if (value > userPriorityMax) {
    errors.push(forbidden("value", `maximum allowed value of a user defined priority is ${userPriorityMax}`));
  }
  if (preemptionPolicy !== undefined) addAll(errors, oneOf("preemptionPolicy", preemptionPolicy, ["PreemptLowerPriority", "Never"]));
  return errors;
}
