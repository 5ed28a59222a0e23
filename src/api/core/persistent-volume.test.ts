import { testCreates, testUpdates, testWarnings, type Loose } from "../validation-table.ts";
import { persistentVolumeResource } from "./persistent-volume.ts";

const volume = (more: Loose = {}): Loose => ({ spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/x" }, ...more } });
testCreates(persistentVolumeResource, [
  ["a good one", volume(), []],
  ["no size", volume({ capacity: {} }), ["spec.capacity: Required value", 'spec.capacity: Unsupported value: null: supported values: "storage"']],
  ["a size below zero", volume({ capacity: { storage: "-1" } }), ['spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity', 'spec.capacity[storage]: Invalid value: "-1": must be greater than zero']],
  ["two sources", volume({ nfs: { server: "s", path: "/x" } }), ["spec.nfs: Forbidden: may not specify more than 1 volume type"]],
  ["of no node", volume({ hostPath: undefined, local: { path: "/x" } }), ["spec.nodeAffinity: Required value: Local volume requires node affinity"]],
  ["recycling the root", volume({ hostPath: { path: "//" }, persistentVolumeReclaimPolicy: "Recycle" }), ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"]],
  ["attributes of nobody", volume({ volumeAttributesClassName: "gold" }), ["spec.csi: Required value: has to be specified when using volumeAttributesClassName"]],
]);
testUpdates(persistentVolumeResource, [
  ["bigger", volume(), volume({ capacity: { storage: "2Gi" } }), []],
  ["another form", volume(), volume({ volumeMode: "Block" }), ['volumeMode: Invalid value: "Block": field is immutable']],
  ["a secret for growing is added", volume({ hostPath: undefined, csi: { driver: "d", volumeHandle: "h" } }), volume({ hostPath: undefined, csi: { driver: "d", volumeHandle: "h", controllerExpandSecretRef: { name: "s", namespace: "n" } } }), []],
]);
testWarnings(persistentVolumeResource, [
  ["recycling", volume({ persistentVolumeReclaimPolicy: "Recycle" }), ["spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."]],
  ["an old source", volume({ cephfs: {} }), ["spec.cephfs: deprecated in v1.28, non-functional in v1.31+"]],
]);
