import { daemonsets, type DaemonSet, type DaemonSetUpdateStrategy } from "../generated/apps-v1.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn, text } from "../printing/columns.ts";
import { formatLabels } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { containersColumn, imagesColumn, selectorColumn } from "./workload-columns.ts";

const strategyDefaults = (strategy: DaemonSetUpdateStrategy): DaemonSetUpdateStrategy => {
  const typed = withDefaults(strategy, { type: "RollingUpdate" });
  return typed.type === "RollingUpdate"
    ? changeField(withDefaults(typed, { rollingUpdate: {} }), "rollingUpdate", (rolling) => withDefaults(rolling, { maxUnavailable: 1, maxSurge: 0 }))
    : typed;
};

export const daemonSetResource = defineResource<DaemonSet>(daemonsets, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (daemonSet) => changeField(daemonSet, "spec", (spec) =>
    changeField(changeField(withDefaults(spec, { updateStrategy: {}, revisionHistoryLimit: 10 }), "updateStrategy", strategyDefaults), "template", podTemplateDefaults)),
  prepareForCreate: (daemonSet) => ({ ...daemonSet, status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
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
