import { persistentvolumeclaims, type PersistentVolumeClaim } from "../../api/generated/core-v1.ts";
import { storageclasses } from "../../api/generated/storage-v1.ts";
import { compareQuantities } from "../../apimachinery/quantity.ts";
import type { AdmissionPlugin, ClusterReader } from "../access.ts";
import { handlesOnly, refuse } from "./plugin.ts";

/** A claim grows only when its storage class says that its volumes can. */
export const persistentVolumeClaimResize = (cluster: ClusterReader): AdmissionPlugin => ({
  name: "PersistentVolumeClaimResize",
  handles: handlesOnly(persistentvolumeclaims, "UPDATE"),
  validate(request) {
    const [next, previous] = [request.object as PersistentVolumeClaim, request.oldObject as PersistentVolumeClaim];
    const [size, oldSize] = [next.spec?.resources?.requests?.["storage"], previous.spec?.resources?.requests?.["storage"]];
    if (size === undefined || oldSize === undefined || compareQuantities(size, oldSize) <= 0) return;
    if (previous.status?.phase !== "Bound") throw refuse(request, "Only bound persistent volume claims can be expanded");
    const name = next.spec?.storageClassName ?? next.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? "";
    if (name === "" || cluster.get(storageclasses, "", name)?.allowVolumeExpansion !== true) {
      throw refuse(request, "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
    }
  },
});
