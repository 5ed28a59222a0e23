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
  subresources: { status: statusStrategy() },
  columns: [nameColumn, text("Ready", ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`), ageColumn, containersColumn, imagesColumn],
});
