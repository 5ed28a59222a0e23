import { pods, type Pod } from "../generated/core-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { podColumns } from "./pod-columns.ts";
import { podDefaults } from "./pod-defaults.ts";
import { withBothServiceAccountNames } from "./pod-spec/defaults.ts";
import { podQosClass } from "./pod-qos.ts";
import { changeField } from "../defaulting.ts";

export const podResource = defineResource<Pod>(pods, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: podDefaults,
  prepareForCreate: (pod) => ({ ...changeField(pod, "spec", withBothServiceAccountNames), status: { phase: "Pending", qosClass: podQosClass(pod) } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy(), resize: { prepareForUpdate: keepStatus, validateUpdate: () => [] }, ephemeralcontainers: { prepareForUpdate: keepStatus, validateUpdate: () => [] } },
  gracePeriodSeconds({ spec, status }, requested) {
    if ((spec?.nodeName ?? "") === "" || status?.phase === "Failed" || status?.phase === "Succeeded") return 0;
    const seconds = requested ?? spec?.terminationGracePeriodSeconds ?? 0;
    return seconds < 0 ? 1 : seconds;
  },
  selectableFields: {
    "spec.nodeName": ({ spec }) => spec?.nodeName ?? "",
    "spec.restartPolicy": ({ spec }) => spec?.restartPolicy ?? "",
    "spec.schedulerName": ({ spec }) => spec?.schedulerName ?? "",
    "spec.serviceAccountName": ({ spec }) => spec?.serviceAccountName ?? "",
    "spec.hostNetwork": ({ spec }) => `${spec?.hostNetwork === true}`,
    "status.phase": ({ status }) => status?.phase ?? "",
    "status.podIP": ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? "",
    "status.podIPs": ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? "",
    "status.nominatedNodeName": ({ status }) => status?.nominatedNodeName ?? "",
  },
  columns: podColumns,
});
