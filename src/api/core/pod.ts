import { ipWarnings } from "../../apimachinery/validation.ts";
import { pods, type Pod } from "../generated/core-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { changeField } from "../defaulting.ts";
import { defineResource } from "../resource.ts";
import { keepMetadataForStatus, keepStatus } from "../strategy.ts";
import { podColumns } from "./pod-columns.ts";
import { preparePodForCreate } from "./pod-create.ts";
import { podDefaults } from "./pod-defaults.ts";
import { preparePodResize, validatePodResize } from "./pod-resize.ts";
import { preparePodStatus, validatePodStatusUpdate, withBothAddresses } from "./pod-status.ts";
import { validateEphemeralContainersUpdate, validatePodUpdate } from "./pod-update.ts";
import { validatePodCreate } from "./pod-validation.ts";
import { withoutDisabledFields } from "./pod-spec/disabled-fields.ts";
import { podWarnings } from "./pod-warnings.ts";

export const podResource = defineResource<Pod>(pods, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (pod) => changeField(podDefaults(pod), "status", withBothAddresses),
  prepareForCreate: preparePodForCreate,
  prepareForUpdate: (next, previous) => changeField(keepStatus(next, previous), "spec", (spec) => withoutDisabledFields(spec, previous.spec)),
  validate: validatePodCreate,
  validateUpdate: validatePodUpdate,
  warningsOnCreate: podWarnings,
  subresources: {
    status: {
      tracked: { without: ["spec", "metadata.deletionTimestamp", "metadata.ownerReferences"] },
      prepareForUpdate: preparePodStatus,
      validateUpdate: validatePodStatusUpdate,
      warningsOnUpdate: ({ status }) => [
        ...(status?.podIPs ?? []).flatMap(({ ip }, index) => ipWarnings(`status.podIPs[${index}].ip`, ip)),
        ...(status?.hostIPs ?? []).flatMap(({ ip }, index) => ipWarnings(`status.hostIPs[${index}].ip`, ip)),
      ],
    },
    resize: {
      tracked: { only: ["containers", "initContainers"].flatMap((list) => ["resources", "resizePolicy"].map((field) => `spec.${list}.*.${field}`)) },
      prepareForUpdate: preparePodResize, validateUpdate: validatePodResize,
    },
    ephemeralcontainers: { tracked: { only: ["spec.ephemeralContainers"] }, prepareForUpdate: withOnlyEphemeralContainers, validateUpdate: validateEphemeralContainersUpdate },
  },
  gracePeriodSeconds({ spec, status }, requested) {
    if ((spec?.nodeName ?? "") === "" || status?.phase === "Failed" || status?.phase === "Succeeded") return 0;
    const seconds = requested ?? spec?.terminationGracePeriodSeconds ?? 0;
    return seconds < 0 ? 1 : seconds;
  },
  selectableFields: {
    "spec.nodeName": ({ spec }) => spec?.nodeName ?? "",
    // What the field was called by the first clients.
    "spec.host": ({ spec }) => spec?.nodeName ?? "",
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

/** Under /ephemeralcontainers nothing but these may be written. */
function withOnlyEphemeralContainers(next: Pod, previous: Pod): Pod {
  const ephemeralContainers = next.spec?.ephemeralContainers;
  const { ephemeralContainers: _, ...rest } = previous.spec ?? { containers: [] };
  const spec = { ...rest, ...(ephemeralContainers !== undefined && { ephemeralContainers }) };
  return keepStatus(keepMetadataForStatus({ ...next, spec }, previous), previous);
}
