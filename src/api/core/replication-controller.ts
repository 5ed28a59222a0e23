import { required, type FieldError } from "../../apimachinery/field-error.ts";
import { validateReplicaCounts } from "../apps/workload-status.ts";
import { atLeastZero } from "../checks.ts";
import { replicationcontrollers, type ReplicationController } from "../generated/core-v1.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn, wide } from "../printing/columns.ts";
import { containerImages, containerNames, formatLabels } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { nameWarnings } from "../batch/job-warnings.ts";
import { addAll } from "../../stdx/add-all.ts";
import { podTemplateDefaults } from "./pod-spec/defaults.ts";
import { withoutDisabledWorkloadFields } from "./pod-spec/disabled-fields.ts";
import { validateRunningTemplate } from "./pod-template-validation.ts";
import { templateWarnings } from "./pod-warnings.ts";

const isEmpty = (map: Readonly<Record<string, string>> | undefined): boolean => Object.keys(map ?? {}).length === 0;

/** Selector and labels, where not given, are the labels of the template. */
function labelDefaults(controller: ReplicationController): ReplicationController {
  const labels = controller.spec?.template?.metadata?.labels;
  if (labels === undefined) return controller;
  const selected = isEmpty(controller.spec?.selector) ? { ...controller, spec: { ...controller.spec, selector: labels } } : controller;
  return isEmpty(selected.metadata.labels) ? { ...selected, metadata: { ...selected.metadata, labels } } : selected;
}

export const replicationControllerResource = defineResource<ReplicationController>(replicationcontrollers, {
  validateName: dnsSubdomainName,
  generation: true,
  defaultGarbageCollection: "orphan",
  defaults: (controller) => changeField(labelDefaults(withStruct(controller, "spec")), "spec", (spec) =>
    changeField(withDefaults(spec, { replicas: 1 }), "template", podTemplateDefaults)),
  prepareForCreate: (controller) => ({ ...withoutDisabledWorkloadFields(controller, undefined), status: { replicas: 0 } }),
  prepareForUpdate: (next, previous) => withoutDisabledWorkloadFields(keepStatus(next, previous), previous),
  validate: (controller) => validate(controller),
  validateUpdate: validate,
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...templateWarnings(spec?.template, "spec.template")],
  warningsOnUpdate: (next, previous) => (next.metadata.generation === previous.metadata.generation ? [] : templateWarnings(next.spec?.template, "spec.template")),
  subresources: {
    status: statusStrategy({
      validateUpdate: ({ status }) => validateReplicaCounts(
        status, ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"], ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
      ),
    }),
  },
  selectableFields: { "status.replicas": ({ status }) => `${status?.replicas ?? 0}` },
  columns: [
    nameColumn,
    integer("Desired", ({ spec }) => spec?.replicas ?? 0),
    integer("Current", ({ status }) => status?.replicas ?? 0),
    integer("Ready", ({ status }) => status?.readyReplicas ?? 0),
    ageColumn,
    wide("Containers", ({ spec }) => containerNames(spec?.template)),
    wide("Images", ({ spec }) => containerImages(spec?.template)),
    wide("Selector", ({ spec }) => formatLabels(spec?.selector)),
  ],
});

function validate({ spec = {} }: ReplicationController, previous?: ReplicationController): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, atLeastZero("spec.minReadySeconds", spec.minReadySeconds));
  if (isEmpty(spec.selector)) errors.push(required("spec.selector"));
  addAll(errors, atLeastZero("spec.replicas", spec.replicas));
  if (spec.template === undefined) errors.push(required("spec.template"));
  else addAll(errors, validateRunningTemplate({ matchLabels: spec.selector ?? {} }, spec.template, "ReplicationController", previous?.spec?.template));
  return errors;
}
