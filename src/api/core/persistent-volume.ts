import { persistentvolumes, type PersistentVolume } from "../generated/core-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { accessModesText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { canonicalResources } from "./resource-list.ts";
import { storageClassOf } from "./storage-class-name.ts";

export const persistentVolumeResource = defineResource<PersistentVolume>(persistentvolumes, {
  validateName: dnsSubdomainName,
  defaults: (volume) => changeField(volume, "spec", (spec) => {
    let next = changeField(withDefaults(spec, { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" }), "capacity", canonicalResources);
    next = changeField(next, "hostPath", (source) => withDefaults(source, { type: "" }));
    next = changeField(next, "iscsi", (source) => withDefaults(source, { iscsiInterface: "default" }));
    next = changeField(next, "rbd", (source) => withDefaults(source, { pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" }));
    next = changeField(next, "azureDisk", (source) => withDefaults(source, { cachingMode: "ReadWrite", fsType: "ext4", readOnly: false, kind: "Shared" }));
    return changeField(next, "scaleIO", (source) => withDefaults(source, { storageMode: "ThinProvisioned", fsType: "xfs" }));
  }),
  prepareForCreate: (volume) => ({ ...volume, status: { phase: "Pending" } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
  selectableFields: { name: ({ metadata }) => metadata.name ?? "" },
  columns: [
    nameColumn,
    text("Capacity", ({ spec }) => spec?.capacity?.["storage"] ?? "0"),
    text("Access Modes", ({ spec }) => accessModesText(spec?.accessModes)),
    text("Reclaim Policy", ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ""),
    text("Status", ({ metadata, status }) => (metadata.deletionTimestamp === undefined ? status?.phase ?? "" : "Terminating")),
    text("Claim", ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace ?? ""}/${spec.claimRef.name ?? ""}` : "")),
    text("StorageClass", storageClassOf),
    text("VolumeAttributesClass", ({ spec }) => spec?.volumeAttributesClassName ?? "<unset>"),
    text("Reason", ({ status }) => status?.reason ?? ""),
    ageColumn,
    wide("VolumeMode", ({ spec }) => spec?.volumeMode ?? "<unset>"),
  ],
});
