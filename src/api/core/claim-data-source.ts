import { without } from "../defaulting.ts";
import type { PersistentVolumeClaimSpec, TypedLocalObjectReference, TypedObjectReference } from "../generated/core-v1.ts";

/** What the older of the two fields may name: claims, and snapshots of them. Anything else was always dropped in silence. */
const isClaimOrSnapshot = ({ kind, apiGroup = "" }: TypedLocalObjectReference): boolean =>
  (kind === "PersistentVolumeClaim" && apiGroup === "") || (kind === "VolumeSnapshot" && apiGroup === "snapshot.storage.k8s.io");

const sameSource = ({ kind, name, apiGroup }: TypedLocalObjectReference | TypedObjectReference): TypedLocalObjectReference =>
  ({ kind, name, ...(apiGroup !== undefined && { apiGroup }) });

/** Where a claim's data comes from has two fields, which say the same (KEP 1495). */
export function withBothSources(spec: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef) return { ...spec, dataSourceRef: sameSource(dataSource) };
  if (dataSourceRef && !dataSource && (dataSourceRef.namespace ?? "") === "") return { ...spec, dataSource: sameSource(dataSourceRef) };
  return spec;
}

export function normalizedSources(spec: PersistentVolumeClaimSpec, previous: PersistentVolumeClaimSpec | undefined): PersistentVolumeClaimSpec {
  let next = spec;
  // Sources in other namespaces are off by default.
  if ((next.dataSourceRef?.namespace ?? "") !== "" && !previous?.dataSourceRef) next = without(next, "dataSourceRef");
  const inUse = previous?.dataSource !== undefined || previous?.dataSourceRef !== undefined;
  if (!inUse && !next.dataSourceRef && next.dataSource && !isClaimOrSnapshot(next.dataSource)) next = without(next, "dataSource");
  return withBothSources(next);
}
