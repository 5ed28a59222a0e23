import type { FieldError } from "../../apimachinery/field-error.ts";
import { replicasets, type ReplicaSet } from "../generated/apps-v1.ts";
import { atLeastZero, immutable } from "../checks.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import { withoutDisabledWorkloadFields } from "../core/pod-spec/disabled-fields.ts";
import { validateSelectorAndTemplate } from "../core/pod-template-validation.ts";
import { nameWarnings } from "../batch/job-warnings.ts";
import { templateWarnings } from "../core/pod-warnings.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { replicatedColumns } from "./workload-columns.ts";
import { validateReplicaCounts } from "./workload-status.ts";

export const replicaSetResource = defineResource<ReplicaSet>(replicasets, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (replicaSet) => changeField(withStruct(replicaSet, "spec"), "spec", (spec) => changeField(withDefaults(withStruct(spec, "template"), { replicas: 1 }), "template", podTemplateDefaults)),
  prepareForCreate: (replicaSet) => ({ ...withoutDisabledWorkloadFields(replicaSet, undefined), status: { replicas: 0 } }),
  prepareForUpdate: (next, previous) => withoutDisabledWorkloadFields(keepStatus(next, previous), previous),
  validate: (replicaSet) => validate(replicaSet),
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validate(next, previous));
    addAll(errors, immutable("spec.selector", next.spec?.selector, previous.spec?.selector));
    return errors;
  },
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...templateWarnings(spec?.template, "spec.template")],
  warningsOnUpdate: (next, previous) => (next.metadata.generation === previous.metadata.generation ? [] : templateWarnings(next.spec?.template, "spec.template")),
  subresources: {
    status: statusStrategy({
      validateUpdate: ({ status }) => validateReplicaCounts(
        status, ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration", "terminatingReplicas"], ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
      ),
    }),
  },
  columns: replicatedColumns,
});

function validate({ spec = {} as NonNullable<ReplicaSet["spec"]> }: ReplicaSet, previous?: ReplicaSet): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, atLeastZero("spec.replicas", spec.replicas));
  addAll(errors, atLeastZero("spec.minReadySeconds", spec.minReadySeconds));
  // The message says "deployment" upstream too.
  addAll(errors, validateSelectorAndTemplate(spec, { kind: "ReplicaSet", emptySelector: "empty selector is invalid for deployment", previous: previous?.spec?.template }));
  return errors;
}
