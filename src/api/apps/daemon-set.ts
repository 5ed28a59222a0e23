import { invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelSelectorErrors } from "../../apimachinery/validation.ts";
import { atLeastZero, immutable } from "../checks.ts";
import { isEmptySelector, validateRunningTemplate } from "../core/pod-template-validation.ts";
import { templateWarnings } from "../core/pod-warnings.ts";
import { countOrPercent, notMoreThanAll, numberOf } from "./rolling-update.ts";
import { validateCollisionCount, validateReplicaCounts } from "./workload-status.ts";
import { daemonsets, type DaemonSet, type DaemonSetUpdateStrategy } from "../generated/apps-v1.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import { withoutDisabledWorkloadFields } from "../core/pod-spec/disabled-fields.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { goForm } from "../go-form.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn, text } from "../printing/columns.ts";
import { formatLabels } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, semanticallyEqual, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { containersColumn, imagesColumn, selectorColumn } from "./workload-columns.ts";

const strategyDefaults = (strategy: DaemonSetUpdateStrategy): DaemonSetUpdateStrategy => {
  const typed = withDefaults(strategy, { type: "RollingUpdate" });
  return typed.type === "RollingUpdate"
    ? changeField(withDefaults(typed, { rollingUpdate: {} }), "rollingUpdate", (rolling) => withDefaults(rolling, { maxUnavailable: 1, maxSurge: 0 }))
    : typed;
};

const counts = [
  "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount",
] as const;

/** Counts the changes of the template. It was a field in the first versions of the group and lives on as an annotation. */
const generationAnnotation = "deprecated.daemonset.template.generation";
const templateGenerationOf = ({ metadata }: DaemonSet): number => Number(metadata.annotations?.[generationAnnotation] ?? 0);
const withTemplateGeneration = (daemonSet: DaemonSet, generation: number): DaemonSet =>
  (daemonSet.metadata.annotations?.[generationAnnotation] === `${generation}` ? daemonSet : { ...daemonSet, metadata: { ...daemonSet.metadata, annotations: { ...daemonSet.metadata.annotations, [generationAnnotation]: `${generation}` } } });

const status = statusStrategy<DaemonSet>({
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validateReplicaCounts(next.status, counts, []));
    addAll(errors, validateCollisionCount(next.status?.collisionCount, previous.status?.collisionCount));
    return errors;
  },
});

export const daemonSetResource = defineResource<DaemonSet>(daemonsets, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (daemonSet) => changeField(withStruct(withTemplateGeneration(daemonSet, templateGenerationOf(daemonSet)), "spec"), "spec", (spec) =>
    changeField(changeField(withDefaults(withStruct(spec, "template"), { updateStrategy: {}, revisionHistoryLimit: 10 }), "updateStrategy", strategyDefaults), "template", podTemplateDefaults)),
  prepareForCreate: (daemonSet) => ({ ...withTemplateGeneration(withoutDisabledWorkloadFields(daemonSet, undefined), 1), status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 } }),
  prepareForUpdate: (next, previous) => {
    const kept = withoutDisabledWorkloadFields(keepStatus(next, previous), previous);
    return withTemplateGeneration(kept, templateGenerationOf(previous) + (semanticallyEqual(kept.spec?.template, previous.spec?.template) ? 0 : 1));
  },
  validate: (daemonSet) => validate(daemonSet),
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, immutable("spec.selector", next.spec?.selector, previous.spec?.selector));
    addAll(errors, validate(next, previous));
    return errors;
  },
  warningsOnCreate: ({ spec }) => templateWarnings(spec?.template, "spec.template"),
  warningsOnUpdate: (next, previous) => (semanticallyEqual(next.spec?.template, previous.spec?.template) ? [] : templateWarnings(next.spec?.template, "spec.template")),
  subresources: {
    status: {
      ...status,
      prepareForUpdate: (next, previous) => withTemplateGeneration(status.prepareForUpdate(next, previous), templateGenerationOf(previous)),
    },
  },
  columns: [
    nameColumn,
    integer("Desired", ({ status }) => status?.desiredNumberScheduled ?? 0),
    integer("Current", ({ status }) => status?.currentNumberScheduled ?? 0),
    integer("Ready", ({ status }) => status?.numberReady ?? 0),
    integer("Up-to-date", ({ status }) => status?.updatedNumberScheduled ?? 0),
    integer("Available", ({ status }) => status?.numberAvailable ?? 0),
    text("Node Selector", ({ spec }) => formatLabels(spec?.template?.spec?.nodeSelector)),
    ageColumn, containersColumn, imagesColumn, selectorColumn,
  ],
});

function validateStrategy({ type, rollingUpdate }: DaemonSetUpdateStrategy): readonly FieldError[] {
  const path = "spec.updateStrategy";
  if (type === "OnDelete") return [];
  if (type !== "RollingUpdate") return [notSupported(path, goForm({ type, rollingUpdate }, "DaemonSetUpdateStrategy"), ["RollingUpdate", "OnDelete"])];
  if (!rollingUpdate) return [required(`${path}.rollingUpdate`)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const errors: FieldError[] = [];
  addAll(errors, countOrPercent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable));
  addAll(errors, countOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge));
  addAll(errors, notMoreThanAll(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable));
  addAll(errors, notMoreThanAll(`${path}.rollingUpdate.maxSurge`, maxSurge));
  const [unavailable, surge] = [numberOf(maxUnavailable) !== 0, numberOf(maxSurge) !== 0];
  if (unavailable && surge) errors.push(invalid(`${path}.rollingUpdate.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  if (!unavailable && !surge) errors.push(required(`${path}.rollingUpdate.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  return errors;
}

function validate({ spec = {} as NonNullable<DaemonSet["spec"]> }: DaemonSet, previous?: DaemonSet): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, labelSelectorErrors("spec.selector", spec.selector));
  if (spec.selector && isEmptySelector(spec.selector)) errors.push(invalid("spec.selector", spec.selector, "empty selector is invalid for daemonset"));
  addAll(errors, validateRunningTemplate(spec.selector, spec.template, "DaemonSet", previous?.spec?.template));
  addAll(errors, atLeastZero("spec.minReadySeconds", spec.minReadySeconds));
  addAll(errors, validateStrategy(spec.updateStrategy ?? {}));
  addAll(errors, atLeastZero("spec.revisionHistoryLimit", spec.revisionHistoryLimit));
  return errors;
}
