import { deprecatedNodeLabels } from "../core/deprecated-node-labels.ts";
import { duplicate, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelsErrors } from "../../apimachinery/validation.ts";
import { absent, dnsLabel, immutable } from "../checks.ts";
import { validateContainerResources } from "../core/pod-spec/validation-resources.ts";
import { validateTolerations } from "../core/pod-spec/validation-scheduling.ts";
import { runtimeclasses, type RuntimeClass } from "../generated/node-v1.ts";
import { goForm, tolerationFields } from "../go-form.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const runtimeClassResource = defineResource<RuntimeClass>(runtimeclasses, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  createOnUpdate: true,
  unconditionalUpdate: false,
  validate,
  warningsOnCreate: (runtimeClass) => [...warnings(runtimeClass)],
  warningsOnUpdate: (runtimeClass) => [...warnings(runtimeClass)],
  *validateUpdate(next, previous) {
    yield* validate(next);
    yield* immutable("handler", next.handler ?? "", previous.handler ?? "");
  },
  columns: [nameColumn, text("Handler", ({ handler }) => handler), ageColumn],
});

function* warnings({ scheduling }: RuntimeClass): Generator<string> {
  for (const key of Object.keys(scheduling?.nodeSelector ?? {})) if (deprecatedNodeLabels[key] !== undefined) yield `scheduling.nodeSelector: ${deprecatedNodeLabels[key]}`;
}

function* validate({ handler, overhead, scheduling }: RuntimeClass): Generator<FieldError> {
  if (absent(handler)) yield required("handler");
  else yield* dnsLabel("handler", handler);
  if (overhead) yield* validateContainerResources({ limits: overhead.podFixed ?? {} }, new Set(), "overhead");
  if (scheduling) {
    yield* labelsErrors("scheduling.nodeSelector", scheduling.nodeSelector);
    const tolerations = scheduling.tolerations ?? [];
    yield* validateTolerations(tolerations, "scheduling.tolerations");
    const keys = tolerations.map(({ key, operator, value, effect }) => JSON.stringify([key, operator, value, effect]));
    for (const [index, key] of keys.entries()) if (keys.indexOf(key) < index) yield duplicate(`scheduling.tolerations[${index}]`, goForm(tolerations[index], tolerationFields));
  }
}
