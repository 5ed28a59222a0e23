import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { atLeastZero, dnsLabel } from "../checks.ts";
import { validateClaimSpec } from "../core/claim-validation.ts";
import { validateSelectorAndTemplate } from "../core/pod-template-validation.ts";
import { claimSpecWarnings } from "../core/claim-warnings.ts";
import { templateWarnings } from "../core/pod-warnings.ts";
import type { PodTemplateSpec, Volume } from "../generated/core-v1.ts";
import type { StatefulSetSpec } from "../generated/apps-v1.ts";
import { without } from "../defaulting.ts";
import { semanticallyEqual } from "../strategy.ts";
import { countOrPercent, notMoreThanAll, numberOf } from "./rolling-update.ts";
import { validateCollisionCount, validateReplicaCounts } from "./workload-status.ts";
import { statefulsets, type StatefulSet, type StatefulSetUpdateStrategy } from "../generated/apps-v1.ts";
import { claimDefaults } from "../core/claim-defaults.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import { withoutDisabledWorkloadFields } from "../core/pod-spec/disabled-fields.ts";
import type { PersistentVolumeClaim } from "../generated/core-v1.ts";
import { changeEach, changeField, withDefaults, withStruct } from "../defaulting.ts";
import { goForm } from "../go-form.ts";
import { dnsLabelName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { containersColumn, imagesColumn } from "./workload-columns.ts";

function strategyDefaults(strategy: StatefulSetUpdateStrategy): StatefulSetUpdateStrategy {
  const typed = (strategy.type ?? "") === "" ? withDefaults(strategy, { type: "RollingUpdate", rollingUpdate: {} }) : strategy;
  return typed.type === "RollingUpdate" ? changeField(typed, "rollingUpdate", (rolling) => withDefaults(rolling, { partition: 0 })) : typed;
}

/** Claims of a template are whole objects and say so. */
const claimTemplateDefaults = (claim: PersistentVolumeClaim): PersistentVolumeClaim => claimDefaults(claim.apiVersion === "v1" && claim.kind === "PersistentVolumeClaim" ? claim : { ...claim, apiVersion: "v1", kind: "PersistentVolumeClaim" });

const emptySpec = {} as StatefulSetSpec;
const changeable = ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"] as const;

/** On update the path has the name of the Go field in it, upstream too. */
const claimTemplateWarnings = (spec: StatefulSetSpec | undefined, suffix: string): readonly string[] =>
  (spec?.volumeClaimTemplates ?? []).flatMap((claim, index) => claimSpecWarnings(claim.spec, `spec.volumeClaimTemplates[${index}]${suffix}`));
const historyWarnings = (spec: StatefulSetSpec | undefined): readonly string[] =>
  ((spec?.revisionHistoryLimit ?? 0) < 0 ? ["spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"] : []);

/** MaxUnavailableStatefulSet is off in 1.36. */
function withoutDisabledFields(statefulSet: StatefulSet, previous: StatefulSet | undefined): StatefulSet {
  const next = withoutDisabledWorkloadFields(statefulSet, previous);
  if (previous?.spec?.updateStrategy?.rollingUpdate?.maxUnavailable !== undefined) return next;
  return changeField(next, "spec", (spec) => changeField(spec, "updateStrategy", (strategy) => changeField(strategy, "rollingUpdate", (rolling) => without(rolling, "maxUnavailable"))));
}

export const statefulSetResource = defineResource<StatefulSet>(statefulsets, {
  validateName: dnsLabelName,
  generation: true,
  defaults: (statefulSet) => changeField(withStruct(statefulSet, "spec"), "spec", (spec) => {
    let next = withDefaults(withStruct(spec, "template"), { podManagementPolicy: "OrderedReady", updateStrategy: {}, persistentVolumeClaimRetentionPolicy: {}, replicas: 1, revisionHistoryLimit: 10 });
    next = changeField(next, "updateStrategy", strategyDefaults);
    next = changeField(next, "persistentVolumeClaimRetentionPolicy", (policy) => withDefaults(policy, { whenDeleted: "Retain", whenScaled: "Retain" }));
    next = changeEach(next, "volumeClaimTemplates", claimTemplateDefaults);
    return changeField(next, "template", podTemplateDefaults);
  }),
  prepareForCreate: (statefulSet) => ({ ...withoutDisabledFields(statefulSet, undefined), status: { replicas: 0, availableReplicas: 0 } }),
  prepareForUpdate: (next, previous) => withoutDisabledFields(keepStatus(next, previous), previous),
  validate: (statefulSet) => validate(statefulSet, { create: true }),
  validateUpdate(next, previous) {
    const invalidBefore = validate(previous, { create: false, previous: previous.spec?.template }).length > 0;
    const errors: FieldError[] = [];
    addAll(errors, validate(next, { create: false, previous: previous.spec?.template, skipTemplate: invalidBefore }));
    if (!semanticallyEqual(without(next.spec ?? emptySpec, ...changeable), without(previous.spec ?? emptySpec, ...changeable))) {
      errors.push(forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"));
    }
    return errors;
  },
  warningsOnCreate: ({ spec }) => [...templateWarnings(spec?.template, "spec.template"), ...claimTemplateWarnings(spec, ""), ...historyWarnings(spec)],
  warningsOnUpdate: (next, previous) => [
    ...(next.metadata.generation === previous.metadata.generation ? [] : templateWarnings(next.spec?.template, "spec.template")), ...claimTemplateWarnings(next.spec, ".Spec"), ...historyWarnings(next.spec),
  ],
  subresources: {
    status: statusStrategy({
      validateUpdate({ status }, previous) {
        const errors: FieldError[] = [];
        addAll(errors, validateReplicaCounts(
          status, ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration", "collisionCount"],
          ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"], "status.readyReplicas",
        ));
        addAll(errors, validateCollisionCount(status?.collisionCount, previous.status?.collisionCount));
        return errors;
      },
    }),
  },
  columns: [nameColumn, text("Ready", ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`), ageColumn, containersColumn, imagesColumn],
});

/** The template as its pods will be: named by the set, with a claim of their own for each claim template. */
function templateWithClaims({ template = {}, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  if (!template.spec) return template;
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ""));
  const claims: readonly Volume[] = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const others = (template.spec.volumes ?? []).filter(({ name }) => !names.has(name));
  return { ...template, spec: { ...without(template.spec, "subdomain", "hostname"), volumes: [...claims, ...others] } };
}

function validateStrategy(strategy: StatefulSetUpdateStrategy): readonly FieldError[] {
  const path = "spec.updateStrategy";
  const { type = "", rollingUpdate } = strategy;
  if (type === "") return [required(path)];
  const errors: FieldError[] = [];
  if (type === "OnDelete") {
    if (rollingUpdate) errors.push(invalid(`${path}.rollingUpdate`, (goForm(strategy, "StatefulSetUpdateStrategy") as { readonly RollingUpdate: unknown }).RollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"));
  } else if (type === "RollingUpdate") {
    addAll(errors, atLeastZero(`${path}.rollingUpdate.partition`, rollingUpdate?.partition));
    if (rollingUpdate?.maxUnavailable !== undefined) {
      addAll(errors, countOrPercent(`${path}.rollingUpdate.maxUnavailable`, rollingUpdate.maxUnavailable));
      if (numberOf(rollingUpdate.maxUnavailable) === 0) errors.push(invalid(`${path}.rollingUpdate.maxUnavailable`, rollingUpdate.maxUnavailable, "cannot be 0"));
      addAll(errors, notMoreThanAll(`${path}.rollingUpdate.maxUnavailable`, rollingUpdate.maxUnavailable));
    }
  } else {
    errors.push(invalid(path, goForm(strategy, "StatefulSetUpdateStrategy"), "must be 'RollingUpdate' or 'OnDelete'"));
  }
  return errors;
}

function validate({ spec = emptySpec }: StatefulSet, options: { readonly create: boolean; readonly previous?: PodTemplateSpec | undefined; readonly skipTemplate?: boolean }): readonly FieldError[] {
  const { podManagementPolicy = "", persistentVolumeClaimRetentionPolicy: retention, serviceName = "" } = spec;
  const errors: FieldError[] = [];
  if (podManagementPolicy === "") errors.push(required("spec.podManagementPolicy"));
  else if (podManagementPolicy !== "OrderedReady" && podManagementPolicy !== "Parallel") errors.push(invalid("spec.podManagementPolicy", podManagementPolicy, "must be 'OrderedReady' or 'Parallel'"));
  addAll(errors, validateStrategy(spec.updateStrategy ?? {}));
  for (const field of ["whenDeleted", "whenScaled"] as const) {
    const policy = retention?.[field] ?? "";
    if (retention && policy !== "Retain" && policy !== "Delete") errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, policy, ["Retain", "Delete"]));
  }
  if (options.create) for (const [index, claim] of (spec.volumeClaimTemplates ?? []).entries()) addAll(errors, validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${index}].spec`));
  addAll(errors, atLeastZero("spec.replicas", spec.replicas));
  addAll(errors, atLeastZero("spec.minReadySeconds", spec.minReadySeconds));
  addAll(errors, atLeastZero("spec.ordinals.start", spec.ordinals?.start));
  if (options.create && serviceName !== "") addAll(errors, dnsLabel("spec.serviceName", serviceName));
  addAll(errors, validateSelectorAndTemplate({ ...spec, template: templateWithClaims(spec) }, { kind: "StatefulSet", emptySelector: "empty selector is invalid for statefulset", previous: options.previous, invalidSelector: "", skipTemplate: options.skipTemplate }));
  return errors;
}
