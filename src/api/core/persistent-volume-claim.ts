import { persistentvolumeclaims, type PersistentVolumeClaim } from "../generated/core-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { accessModesText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { claimDefaults } from "./claim-defaults.ts";
import { storageClassOf } from "./storage-class-name.ts";

const isBound = ({ spec }: PersistentVolumeClaim): boolean => (spec?.volumeName ?? "") !== "";

export const persistentVolumeClaimResource = defineResource<PersistentVolumeClaim>(persistentvolumeclaims, {
  validateName: dnsSubdomainName,
  defaults: claimDefaults,
  prepareForCreate: (claim) => ({ ...claim, status: { phase: "Pending" } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
  selectableFields: { name: ({ metadata }) => metadata.name ?? "" },
  columns: [
    nameColumn,
    text("Status", ({ metadata, status }) => (metadata.deletionTimestamp === undefined ? status?.phase ?? "" : "Terminating")),
    text("Volume", ({ spec }) => spec?.volumeName ?? ""),
    text("Capacity", (claim) => (isBound(claim) ? claim.status?.capacity?.["storage"] ?? "0" : "")),
    text("Access Modes", (claim) => (isBound(claim) ? accessModesText(claim.status?.accessModes) : "")),
    text("StorageClass", storageClassOf),
    text("VolumeAttributesClass", ({ spec }) => spec?.volumeAttributesClassName ?? "<unset>"),
    ageColumn,
    wide("VolumeMode", ({ spec }) => spec?.volumeMode ?? "<unset>"),
  ],
});
