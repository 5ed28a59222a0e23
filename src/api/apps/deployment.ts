import { deployments, type Deployment, type DeploymentStrategy } from "../generated/apps-v1.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { selectorText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepSpec, keepStatus, semanticallyEqual } from "../strategy.ts";
import { withField } from "../defaulting.ts";
import { containersColumn, imagesColumn } from "./workload-columns.ts";

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
  defaults: (deployment) => changeField(deployment, "spec", (spec) => {
    const filled = withDefaults(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    return changeField(changeField(filled, "strategy", strategyDefaults), "template", podTemplateDefaults);
  }),
  prepareForCreate: (deployment) => ({ ...deployment, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: {
    status: {
      prepareForUpdate: (next, previous) => {
        const kept = keepSpec(next, previous);
        return { ...kept, metadata: withField(kept.metadata, "labels", previous.metadata.labels) };
      },
      validateUpdate: () => [],
    },
  },
  columns: [
    nameColumn,
    text("Ready", ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    text("Up-to-date", ({ status }) => status?.updatedReplicas ?? 0),
    text("Available", ({ status }) => status?.availableReplicas ?? 0),
    ageColumn, containersColumn, imagesColumn,
    wide("Selector", ({ spec }) => selectorText(spec?.selector) ?? "<invalid>"),
  ],
});
