import { deprecatedNodeLabels } from "../core/deprecated-node-labels.ts";
import { duplicate, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelsErrors } from "../../apimachinery/validation.ts";
import { absent, dnsLabel, immutable } from "../checks.ts";
import { validateContainerResources } from "../core/pod-spec/validation-resources.ts";
import { validateTolerations } from "../core/pod-spec/validation-scheduling.ts";
import { runtimeclasses, type RuntimeClass } from "../generated/node-v1.ts";
import { goForm } from "../go-form.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

export const runtimeClassResource = defineResource<RuntimeClass>(runtimeclasses, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  createOnUpdate: true,
  unconditionalUpdate: false,
  validate,
  warningsOnCreate: (runtimeClass) => [...warnings(runtimeClass)],
  warningsOnUpdate: (runtimeClass) => [...warnings(runtimeClass)],
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validate(next));
    addAll(errors, immutable("handler", next.handler ?? "", previous.handler ?? ""));
    return errors;
  },
  columns: [nameColumn, text("Handler", ({ handler }) => handler), ageColumn],
});

function warnings({ scheduling }: RuntimeClass): readonly string[] {
  const found: string[] = [];
  for (const key of Object.keys(scheduling?.nodeSelector ?? {})) if (deprecatedNodeLabels[key] !== undefined) found.push(`scheduling.nodeSelector: ${deprecatedNodeLabels[key]}`);
  return found;
}

function validate({ handler, overhead, scheduling }: RuntimeClass): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(handler)) errors.push(required("handler"));
  else addAll(errors, dnsLabel("handler", handler));
  if (overhead) addAll(errors, validateContainerResources({ limits: overhead.podFixed ?? {} }, new Set(), "overhead"));
  if (scheduling) {
    addAll(errors, labelsErrors("scheduling.nodeSelector", scheduling.nodeSelector));
    const tolerations = scheduling.tolerations ?? [];
    addAll(errors, validateTolerations(tolerations, "scheduling.tolerations"));
    const keys = tolerations.map(({ key, operator, value, effect }) => JSON.stringify([key, operator, value, effect]));
    for (const [index, key] of keys.entries()) if (keys.indexOf(key) < index) errors.push(duplicate(`scheduling.tolerations[${index}]`, goForm(tolerations[index], "Toleration")));
  }
  return errors;
}
