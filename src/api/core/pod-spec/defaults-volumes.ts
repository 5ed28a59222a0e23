import type { DownwardAPIVolumeFile, Volume, VolumeProjection } from "../../generated/core-v1.ts";
import { changeEach, changeField, withDefaults } from "../../defaulting.ts";
import { claimSpecDefaults } from "../claim-defaults.ts";
import { defaultPullPolicy } from "./image.ts";

/** 0644: files of a volume may be read by everybody and written by their owner. */
const defaultMode = 0o644;
/** One hour, after which the kubelet has long fetched a new token. */
const tokenExpirationSeconds = 3600;

const fileDefaults = (file: DownwardAPIVolumeFile): DownwardAPIVolumeFile =>
  changeField(changeField(file, "fieldRef", (field) => withDefaults(field, { apiVersion: "v1" })), "resourceFieldRef", (field) => withDefaults(field, { divisor: "0" }));

const projectionDefaults = (projection: VolumeProjection): VolumeProjection =>
  changeField(
    changeField(projection, "downwardAPI", (source) => changeEach(source, "items", fileDefaults)),
    "serviceAccountToken", (token) => withDefaults(token, { expirationSeconds: tokenExpirationSeconds }),
  );

/** A volume that says nothing about its source is an empty directory. */
export function volumeDefaults(volume: Volume): Volume {
  const hasSource = Object.entries(volume).some(([key, value]) => key !== "name" && value !== undefined && value !== null);
  let next: Volume = hasSource ? volume : { ...volume, emptyDir: {} };
  next = changeField(next, "hostPath", (source) => withDefaults(source, { type: "" }));
  next = changeField(next, "secret", (source) => withDefaults(source, { defaultMode }));
  next = changeField(next, "configMap", (source) => withDefaults(source, { defaultMode }));
  next = changeField(next, "downwardAPI", (source) => changeEach(withDefaults(source, { defaultMode }), "items", fileDefaults));
  next = changeField(next, "projected", (source) => changeEach(withDefaults(source, { defaultMode }), "sources", projectionDefaults));
  next = changeField(next, "image", (source) => withDefaults(source, { pullPolicy: defaultPullPolicy(source.reference) }));
  next = changeField(next, "iscsi", (source) => withDefaults(source, { iscsiInterface: "default" }));
  next = changeField(next, "rbd", (source) => withDefaults(source, { pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" }));
  next = changeField(next, "azureDisk", (source) => withDefaults(source, { cachingMode: "ReadWrite", fsType: "ext4", readOnly: false, kind: "Shared" }));
  next = changeField(next, "scaleIO", (source) => withDefaults(source, { storageMode: "ThinProvisioned", fsType: "xfs" }));
  next = changeField(next, "ephemeral", (source) =>
    changeField(source, "volumeClaimTemplate", (template) => changeField(withDefaults(template, { metadata: {} }), "spec", claimSpecDefaults)));
  return next;
}
