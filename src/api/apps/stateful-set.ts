import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { atLeastZero, dnsLabel } from "../checks.ts";
import { validateClaimSpec } from "../core/claim-validation.ts";
import { validateSelectorAndTemplate } from "../core/pod-template-validation.ts";
import { templateWarnings } from "../core/pod-warnings.ts";
import type { PodTemplateSpec, Volume } from "../generated/core-v1.ts";
import type { StatefulSetSpec } from "../generated/apps-v1.ts";
import { without } from "../defaulting.ts";
import { semanticallyEqual } from "../strategy.ts";
import { countOrPercent } from "./rolling-update.ts";
import { validateCollisionCount, validateReplicaCounts } from "./workload-status.ts";
import { statefulsets, type StatefulSet, type StatefulSetUpdateStrategy } from "../generated/apps-v1.ts";
import { claimDefaults } from "../core/claim-defaults.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import type { PersistentVolumeClaim } from "../generated/core-v1.ts";
import { changeEach, changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { containersColumn, imagesColumn } from "./workload-columns.ts";

function strategyDefaults(strategy: StatefulSetUpdateStrategy): StatefulSetUpdateStrategy {
  const typed = (strategy.type ?? "") === "" ? withDefaults(strategy, { type: "RollingUpdate", rollingUpdate: {} }) : strategy;
  return typed.type === "RollingUpdate" ? changeField(typed, "rollingUpdate", (rolling) => withDefaults(rolling, { partition: 0 })) : typed;
}

/** Claims of a template are whole objects and say so. */
const claimTemplateDefaults = (claim: PersistentVolumeClaim): PersistentVolumeClaim => claimDefaults(withDefaults(claim, { apiVersion: "v1", kind: "PersistentVolumeClaim" }));

const emptySpec = {} as StatefulSetSpec;
const changeable = ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"] as const;

export const statefulSetResource = defineResource<StatefulSet>(statefulsets, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (statefulSet) => changeField(statefulSet, "spec", (spec) => {
    let next = withDefaults(spec, { podManagementPolicy: "OrderedReady", updateStrategy: {}, persistentVolumeClaimRetentionPolicy: {}, replicas: 1, revisionHistoryLimit: 10 });
    next = changeField(next, "updateStrategy", strategyDefaults);
    next = changeField(next, "persistentVolumeClaimRetentionPolicy", (policy) => withDefaults(policy, { whenDeleted: "Retain", whenScaled: "Retain" }));
    next = changeEach(next, "volumeClaimTemplates", claimTemplateDefaults);
    return changeField(next, "template", podTemplateDefaults);
  }),
  prepareForCreate: (statefulSet) => ({ ...statefulSet, status: { replicas: 0, availableReplicas: 0 } }),
  prepareForUpdate: keepStatus,
  validate: (statefulSet) => validate(statefulSet, { create: true }),
  *validateUpdate(next, previous) {
    yield* validate(next, { create: false });
    if (!semanticallyEqual(without(next.spec ?? emptySpec, ...changeable), without(previous.spec ?? emptySpec, ...changeable))) {
      yield forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }
  },
  warningsOnCreate: ({ spec }) => templateWarnings(spec?.template, "spec.template"),
  subresources: {
    status: statusStrategy({
      *validateUpdate({ status }, previous) {
        yield* validateReplicaCounts(
          status, ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration", "collisionCount"],
          ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
        );
        yield* validateCollisionCount(status?.collisionCount, previous.status?.collisionCount);
      },
    }),
  },
  columns: [nameColumn, text("Ready", ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`), ageColumn, containersColumn, imagesColumn],
});

/** The template as its pods will be: named by the set, with a claim of their own for each claim template. */
function templateWithClaims({ template = {}, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  if (!template.spec) return template;
  const claims: readonly Volume[] = volumeClaimTemplates.map(({ metadata }) => ({ name: metadata?.name ?? "", persistentVolumeClaim: { claimName: metadata?.name ?? "" } }));
  const others = (template.spec.volumes ?? []).filter(({ name }) => !claims.some((claim) => claim.name === name));
  return { ...template, spec: { ...without(template.spec, "subdomain", "hostname"), volumes: [...claims, ...others] } };
}

function* validateStrategy(strategy: StatefulSetUpdateStrategy): Generator<FieldError> {
  const path = "spec.updateStrategy";
  const { type = "", rollingUpdate } = strategy;
  if (type === "") return yield required(path);
  if (type === "OnDelete") {
    if (rollingUpdate) yield invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'");
  } else if (type === "RollingUpdate") {
    yield* atLeastZero(`${path}.rollingUpdate.partition`, rollingUpdate?.partition);
    if (rollingUpdate?.maxUnavailable !== undefined) yield* countOrPercent(`${path}.rollingUpdate.maxUnavailable`, rollingUpdate.maxUnavailable);
  } else {
    yield invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'");
  }
}

function* validate({ spec = emptySpec }: StatefulSet, options: { readonly create: boolean }): Generator<FieldError> {
  const { podManagementPolicy = "", persistentVolumeClaimRetentionPolicy: retention, serviceName = "" } = spec;
  if (podManagementPolicy === "") yield required("spec.podManagementPolicy");
  else if (podManagementPolicy !== "OrderedReady" && podManagementPolicy !== "Parallel") yield invalid("spec.podManagementPolicy", podManagementPolicy, "must be 'OrderedReady' or 'Parallel'");
  yield* validateStrategy(spec.updateStrategy ?? {});
  for (const field of ["whenDeleted", "whenScaled"] as const) {
    const policy = retention?.[field] ?? "";
    if (retention && policy !== "Retain" && policy !== "Delete") yield notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, policy, ["Retain", "Delete"]);
  }
  if (options.create) for (const [index, claim] of (spec.volumeClaimTemplates ?? []).entries()) yield* validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${index}].spec`);
  yield* atLeastZero("spec.replicas", spec.replicas);
  yield* atLeastZero("spec.minReadySeconds", spec.minReadySeconds);
  yield* atLeastZero("spec.ordinals.start", spec.ordinals?.start);
  if (options.create && serviceName !== "") yield* dnsLabel("spec.serviceName", serviceName);
  yield* validateSelectorAndTemplate({ ...spec, template: templateWithClaims(spec) }, { kind: "StatefulSet", emptySelector: "empty selector is invalid for statefulset" });
}
