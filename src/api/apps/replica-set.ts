import type { FieldError } from "../../apimachinery/field-error.ts";
import { replicasets, type ReplicaSet } from "../generated/apps-v1.ts";
import { atLeastZero, immutable } from "../checks.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import { validateSelectorAndTemplate } from "../core/pod-template-validation.ts";
import { templateWarnings } from "../core/pod-warnings.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { replicatedColumns } from "./workload-columns.ts";
import { validateReplicaCounts } from "./workload-status.ts";

export const replicaSetResource = defineResource<ReplicaSet>(replicasets, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (replicaSet) => changeField(replicaSet, "spec", (spec) => changeField(withDefaults(spec, { replicas: 1 }), "template", podTemplateDefaults)),
  prepareForCreate: (replicaSet) => ({ ...replicaSet, status: { replicas: 0 } }),
  prepareForUpdate: keepStatus,
  validate,
  *validateUpdate(next, previous) {
    yield* validate(next);
    yield* immutable("spec.selector", next.spec?.selector, previous.spec?.selector);
  },
  warningsOnCreate: ({ spec }) => templateWarnings(spec?.template, "spec.template"),
  subresources: {
    status: statusStrategy({
      validateUpdate: ({ status }) => validateReplicaCounts(
        status, ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration", "terminatingReplicas"], ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
      ),
    }),
  },
  columns: replicatedColumns,
});

function* validate({ spec = {} as NonNullable<ReplicaSet["spec"]> }: ReplicaSet): Generator<FieldError> {
  yield* atLeastZero("spec.replicas", spec.replicas);
  yield* atLeastZero("spec.minReadySeconds", spec.minReadySeconds);
  // The message says "deployment" upstream too.
  yield* validateSelectorAndTemplate(spec, { kind: "ReplicaSet", emptySelector: "empty selector is invalid for deployment" });
}
