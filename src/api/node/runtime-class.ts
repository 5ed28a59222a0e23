import { required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelsErrors } from "../../apimachinery/validation.ts";
import { absent, dnsLabel, immutable } from "../checks.ts";
import { validateContainerResources } from "../core/pod-spec/validation-resources.ts";
import { validateTolerations } from "../core/pod-spec/validation-scheduling.ts";
import { runtimeclasses, type RuntimeClass } from "../generated/node-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const runtimeClassResource = defineResource<RuntimeClass>(runtimeclasses, {
  validateName: dnsSubdomainName,
  createOnUpdate: true,
  unconditionalUpdate: false,
  *validate({ handler, overhead, scheduling }): Generator<FieldError> {
    if (absent(handler)) yield required("handler");
    else yield* dnsLabel("handler", handler);
    if (overhead) yield* validateContainerResources({ limits: overhead.podFixed ?? {} }, new Set(), "overhead");
    if (scheduling) {
      yield* labelsErrors("scheduling.nodeSelector", scheduling.nodeSelector);
      yield* validateTolerations(scheduling.tolerations ?? [], "scheduling.tolerations");
    }
  },
  validateUpdate: (next, previous) => immutable("handler", next.handler, previous.handler),
  columns: [nameColumn, text("Handler", ({ handler }) => handler), ageColumn],
});
