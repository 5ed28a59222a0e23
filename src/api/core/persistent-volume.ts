import { forbidden, invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { immutable } from "../checks.ts";
import { changeField, withDefaults, without, withStruct } from "../defaulting.ts";
import { persistentvolumes, type PersistentVolume, type PersistentVolumeSpec } from "../generated/core-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { accessModesText } from "../printing/formats.ts";
import { goForm } from "../go-form.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, semanticallyEqual, statusStrategy } from "../strategy.ts";
import { valueDiff } from "../text-diff.ts";
import { addAll } from "../../stdx/add-all.ts";
import { nodeTermWarnings } from "./deprecated-node-labels.ts";
import { sourceOf, validateVolumeSpec } from "./persistent-volume-validation.ts";
import { canonicalResources } from "./resource-list.ts";
import { storageClassOf } from "./storage-class-name.ts";

const phaseDefaults = (volume: PersistentVolume): PersistentVolume => changeField(withStruct(volume, "status"), "status", (status) => withDefaults(status, { phase: "Pending" }));

export const persistentVolumeResource = defineResource<PersistentVolume>(persistentvolumes, {
  validateName: dnsSubdomainName,
  defaults: (volume) => changeField(phaseDefaults(withStruct(volume, "spec")), "spec", (spec) => {
    let next = changeField(withDefaults(spec, { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" }), "capacity", canonicalResources);
    next = changeField(next, "hostPath", (source) => withDefaults(source, { type: "" }));
    next = changeField(next, "iscsi", (source) => withDefaults(source, { iscsiInterface: "default" }));
    next = changeField(next, "rbd", (source) => withDefaults(source, { pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" }));
    next = changeField(next, "azureDisk", (source) => withDefaults(source, { cachingMode: "ReadWrite", fsType: "ext4", readOnly: false, kind: "Shared" }));
    return changeField(next, "scaleIO", (source) => withDefaults(source, { storageMode: "ThinProvisioned", fsType: "xfs" }));
  }),
  // A new volume enters its first phase when it is made.
  prepareForCreate: (volume) => ({
    ...volume,
    status: { phase: "Pending", ...(typeof volume.metadata.creationTimestamp === "string" && { lastPhaseTransitionTime: volume.metadata.creationTimestamp }) },
  }),
  prepareForUpdate: keepStatus,
  validate: ({ metadata: { name = "" }, spec = {} }) => validateVolumeSpec(spec, name, "spec"),
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validateVolumeSpec(next.spec ?? {}, next.metadata.name ?? "", "spec"));
    const [now, before] = [sourceThatStays(next.spec ?? {}, previous.spec ?? {}), sourceOf(previous.spec ?? {})];
    if (!semanticallyEqual(now, before)) errors.push(forbidden("spec.persistentvolumesource", `spec.persistentvolumesource is immutable after creation\n${valueDiff(goForm(before, "PersistentVolumeSource"), goForm(now, "PersistentVolumeSource"))}`));
    addAll(errors, immutable("volumeMode", next.spec?.volumeMode, previous.spec?.volumeMode));
    if (previous.spec?.nodeAffinity && !semanticallyEqual(next.spec?.nodeAffinity, previous.spec.nodeAffinity)) {
      errors.push(invalid("nodeAffinity", goForm(next.spec?.nodeAffinity, "*VolumeNodeAffinity"), "field is immutable, except for updating from beta label to GA"));
    }
    if (previous.spec?.volumeAttributesClassName !== undefined && next.spec?.volumeAttributesClassName === undefined) {
      errors.push(forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden"));
    }
    return errors;
  },
  warningsOnCreate: (volume) => [...warnings(volume)],
  warningsOnUpdate: (volume) => [...warnings(volume)],
  subresources: { status: statusStrategy() },
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

/** A secret for growing the volume may be added later. */
function sourceThatStays(spec: PersistentVolumeSpec, previous: PersistentVolumeSpec): ReturnType<typeof sourceOf> {
  const source = sourceOf(spec);
  const added = previous.csi !== undefined && previous.csi.controllerExpandSecretRef === undefined;
  return added && source.csi ? { ...source, csi: without(source.csi, "controllerExpandSecretRef") } : source;
}

const deprecatedAnnotations = [
  ["volume.beta.kubernetes.io/storage-class", 'deprecated since v1.8; use "storageClassName" attribute instead'],
  ["volume.beta.kubernetes.io/mount-options", 'deprecated since v1.31; use "mountOptions" attribute instead'],
] as const;
const deprecatedSources = [
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
] as const;

function warnings({ metadata, spec = {} }: PersistentVolume): readonly string[] {
  const found: string[] = [];
  for (const [key, message] of deprecatedAnnotations) if (metadata.annotations?.[key] !== undefined) found.push(`metadata.annotations[${key}]: ${message}`);
  if (spec.persistentVolumeReclaimPolicy === "Recycle") found.push("spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.");
  for (const [index, term] of (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).entries()) addAll(found, nodeTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${index}]`));
  for (const [field, shown, message] of deprecatedSources) if (spec[field]) found.push(`spec.${shown}: ${message}`);
  return found;
}
