import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "../generated/core-v1.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { canonicalRequirements } from "./resource-list.ts";

export const claimSpecDefaults = (spec: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec =>
  changeField(withDefaults(spec, { volumeMode: "Filesystem", resources: {} }), "resources", canonicalRequirements);

/** Also what a StatefulSet's claim templates get, which are whole claims. */
export const claimDefaults = <T extends PersistentVolumeClaim>(claim: T): T =>
  changeField(changeField(withStruct(withStruct(claim as PersistentVolumeClaim, "spec"), "status"), "spec", claimSpecDefaults), "status", (status) => withDefaults(status, { phase: "Pending" })) as T;
