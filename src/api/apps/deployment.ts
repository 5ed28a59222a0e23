import { forbidden, invalid, notSupported, type FieldError } from "../../apimachinery/field-error.ts";
import { deployments, type Deployment, type DeploymentStrategy } from "../generated/apps-v1.ts";
import { atLeastZero, immutable } from "../checks.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import { withoutDisabledWorkloadFields } from "../core/pod-spec/disabled-fields.ts";
import { validateSelectorAndTemplate } from "../core/pod-template-validation.ts";
import { nameWarnings } from "../batch/job-warnings.ts";
import { templateWarnings } from "../core/pod-warnings.ts";
import { changeField, withDefaults, withField, withStruct } from "../defaulting.ts";
import { goForm } from "../go-form.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { selectorText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepSpec, keepStatus, semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { countOrPercent, notMoreThanAll, numberOf } from "./rolling-update.ts";
import { containersColumn, imagesColumn } from "./workload-columns.ts";
import { validateCollisionCount, validateReplicaCounts } from "./workload-status.ts";

const strategyDefaults = (strategy: DeploymentStrategy): DeploymentStrategy => {
  const typed = withDefaults(strategy, { type: "RollingUpdate" });
  return typed.type === "RollingUpdate"
    ? changeField(withDefaults(typed, { rollingUpdate: {} }), "rollingUpdate", (rolling) => withDefaults(rolling, { maxUnavailable: "25%", maxSurge: "25%" }))
    : typed;
};

export const deploymentResource = defineResource<Deployment>(deployments, {
  validateName: dnsSubdomainName,
  generation: true,
  // A change of annotations counts: the controller copies them to ReplicaSets.
  generationGrows: (next, previous) => !semanticallyEqual(next.spec, previous.spec) || !semanticallyEqual(next.metadata.annotations, previous.metadata.annotations),
  defaults: (deployment) => changeField(withStruct(deployment, "spec"), "spec", (spec) => {
    const filled = withDefaults(withStruct(spec, "template"), { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    return changeField(changeField(filled, "strategy", strategyDefaults), "template", podTemplateDefaults);
  }),
  prepareForCreate: (deployment) => ({ ...withoutDisabledWorkloadFields(deployment, undefined), status: {} }),
  prepareForUpdate: (next, previous) => withoutDisabledWorkloadFields(keepStatus(next, previous), previous),
  subresources: {
    status: {
      tracked: { without: ["spec", "metadata.labels"] },
      prepareForUpdate: (next, previous) => {
        const kept = keepSpec(next, previous);
        return { ...kept, metadata: withField(kept.metadata, "labels", previous.metadata.labels) };
      },
      validateUpdate({ status }, previous) {
        const errors: FieldError[] = [];
        addAll(errors, validateReplicaCounts(
          status, ["observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "terminatingReplicas", "collisionCount"],
          ["updatedReplicas", "readyReplicas", "availableReplicas"],
        ));
        addAll(errors, validateCollisionCount(status?.collisionCount, previous.status?.collisionCount));
        return errors;
      },
    },
  },
  validate: (deployment) => validate(deployment),
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validate(next, previous));
    addAll(errors, immutable("spec.selector", next.spec?.selector, previous.spec?.selector));
    return errors;
  },
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...templateWarnings(spec?.template, "spec.template")],
  warningsOnUpdate: (next, previous) => (next.metadata.generation === previous.metadata.generation ? [] : templateWarnings(next.spec?.template, "spec.template")),
  columns: [
    nameColumn,
    text("Ready", ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    text("Up-to-date", ({ status }) => status?.updatedReplicas ?? 0),
    text("Available", ({ status }) => status?.availableReplicas ?? 0),
    ageColumn, containersColumn, imagesColumn,
    wide("Selector", ({ spec }) => selectorText(spec?.selector) ?? "<invalid>"),
  ],
});

function validateStrategy(strategy: DeploymentStrategy): readonly FieldError[] {
  const path = "spec.strategy.rollingUpdate";
  const { type, rollingUpdate } = strategy;
  const errors: FieldError[] = [];
  if (type === "Recreate") {
    if (rollingUpdate) errors.push(forbidden(path, "may not be specified when strategy `type` is 'Recreate'"));
  } else if (type === "RollingUpdate") {
    const { maxUnavailable, maxSurge } = rollingUpdate ?? {};
    addAll(errors, countOrPercent(`${path}.maxUnavailable`, maxUnavailable));
    addAll(errors, countOrPercent(`${path}.maxSurge`, maxSurge));
    if (numberOf(maxUnavailable) === 0 && numberOf(maxSurge) === 0) errors.push(invalid(`${path}.maxUnavailable`, maxUnavailable ?? 0, "may not be 0 when `maxSurge` is 0"));
    addAll(errors, notMoreThanAll(`${path}.maxUnavailable`, maxUnavailable));
  } else {
    errors.push(notSupported("spec.strategy", goForm(strategy, "DeploymentStrategy"), ["Recreate", "RollingUpdate"]));
  }
  return errors;
}

function validate({ spec = {} as NonNullable<Deployment["spec"]> }: Deployment, previous?: Deployment): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, atLeastZero("spec.replicas", spec.replicas));
  addAll(errors, validateSelectorAndTemplate(spec, { kind: "ReplicaSet", emptySelector: "empty selector is invalid for deployment", previous: previous?.spec?.template }));
  addAll(errors, validateStrategy(spec.strategy ?? {}));
  addAll(errors, atLeastZero("spec.minReadySeconds", spec.minReadySeconds));
  addAll(errors, atLeastZero("spec.revisionHistoryLimit", spec.revisionHistoryLimit));
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  if (deadline === undefined) return errors;
  addAll(errors, atLeastZero("spec.progressDeadlineSeconds", deadline));
  if (deadline <= minReadySeconds) errors.push(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
  return errors;
}
