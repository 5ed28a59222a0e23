import type { Pod, Volume } from "../../api/generated/core-v1.ts";
import { podReferences } from "../authorization/pod-references.ts";

/** What of the API a pod refers to, in upstream's words; undefined when it stands for itself, as a mirror pod must. */
export function referredApiObjects(pod: Pod): string | undefined {
  if ((pod.spec?.serviceAccountName ?? "") !== "") return "serviceaccounts";
  const { secrets, configMaps } = podReferences(pod);
  if (secrets.size > 0) return "secrets";
  if (configMaps.size > 0) return "configmaps";
  if ((pod.spec?.resourceClaims?.length ?? 0) > 0) return "resourceclaims";
  for (const volume of pod.spec?.volumes ?? []) {
    const found = referredByVolume(volume);
    if (found !== undefined) return found;
  }
  return undefined;
}

function referredByVolume(volume: Volume): string | undefined {
  if (volume.configMap) return "configmaps (via configmap volumes)";
  if (volume.secret) return "secrets (via secret volumes)";
  if (volume.csi) return "csidrivers (via CSI volumes)";
  if (volume.glusterfs) return "endpoints (via glusterFS volumes)";
  if (volume.persistentVolumeClaim) return "persistentvolumeclaims";
  if (volume.ephemeral) return "persistentvolumeclaims (via ephemeral volumes)";
  if (volume.azureFile) return "secrets (via azureFile volumes)";
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap) return "configmaps (via projected volumes)";
    if (source.secret) return "secrets (via projected volumes)";
    if (source.serviceAccountToken) return "serviceaccounts (via projected volumes)";
    if (source.clusterTrustBundle) return "clustertrustbundles";
    if (source.podCertificate) return "podcertificates";
  }
  return undefined;
}
