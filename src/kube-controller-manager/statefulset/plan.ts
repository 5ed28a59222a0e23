import type { ControllerRevision, StatefulSet, StatefulSetStatus } from "../../api/generated/apps-v1.ts";
import type { PersistentVolumeClaim, Pod, PodTemplateSpec } from "../../api/generated/core-v1.ts";
import { scaledIntOrPercent } from "../../apimachinery/int-or-string.ts";
import { revisionHashLabel } from "../shared/history.ts";
import { podFor } from "../shared/pod-control.ts";
import { isAvailable, isFinished, isReady } from "../shared/pods.ts";
import { compact } from "../shared/status.ts";

export interface Revisions {
  /** What pods below the partition, and those not yet updated, are made of. */
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
}
export interface StatefulPlan {
  readonly create: readonly { readonly pod: Pod; readonly claims: readonly PersistentVolumeClaim[] }[];
  readonly remove: readonly { readonly pod: Pod; readonly failed: boolean }[];
}

const nameOf = (set: StatefulSet, ordinal: number): string => `${set.metadata.name ?? ""}-${ordinal}`;
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number {
  const match = /^(.*)-([0-9]+)$/.exec(metadata.name ?? "");
  return match && match[1] === set.metadata.name ? Number(match[2]) : -1;
}
const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === "Running" && isReady(pod);
const isEnding = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
/** The pods of a StatefulSet carry the whole name of their revision under the label that is called a hash. */
export const revisionNameOf = ({ metadata }: Pod): string => metadata.labels?.[revisionHashLabel] ?? "";
const isOf = (pod: Pod, { metadata }: ControllerRevision): boolean => revisionNameOf(pod) === metadata.name;
const startOf = ({ spec }: StatefulSet): number => spec?.ordinals?.start ?? 0;
const replicasOf = ({ spec }: StatefulSet): number => spec?.replicas ?? 1;
const isRolling = ({ spec }: StatefulSet): boolean => spec?.updateStrategy?.type !== "OnDelete";
const partitionOf = ({ spec }: StatefulSet): number => spec?.updateStrategy?.rollingUpdate?.partition ?? 0;

/** One step: pods are made in order and end in the reverse one, each when its predecessor is ready; with `Parallel`, all at once. */
export function planPods(set: StatefulSet, pods: readonly Pod[], revisions: Revisions, nowMs: number): StatefulPlan {
  const parallel = set.spec?.podManagementPolicy === "Parallel";
  const isUp = (pod: Pod) => isRunningAndReady(pod) && isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const [start, end] = [startOf(set), startOf(set) + replicasOf(set)];
  const create: { pod: Pod; claims: readonly PersistentVolumeClaim[] }[] = [];
  const remove: { pod: Pod; failed: boolean }[] = [];
  const plan = { create, remove };

  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) create.push(statefulPod(set, ordinal, revisions));
    else if (isFinished(pod) && !isEnding(pod)) remove.push({ pod, failed: true });
    else if (parallel || (isUp(pod) && !isEnding(pod))) continue;
    else return plan;
    if (!parallel) return plan;
  }

  const condemned = pods.filter((pod) => ordinalOf(set, pod) < start || ordinalOf(set, pod) >= end).toSorted((a, b) => ordinalOf(set, b) - ordinalOf(set, a));
  for (const pod of condemned) {
    if (!isEnding(pod)) remove.push({ pod, failed: false });
    if (!parallel) return plan;
  }
  if (!isRolling(set) || create.length + remove.length > 0) return plan;
  return { create, remove: outdated(set, byOrdinal, revisions, isUp).map((pod) => ({ pod, failed: false })) };
}

/** From the highest ordinal down to the partition, as many at a time as may be unavailable. */
function outdated(set: StatefulSet, byOrdinal: ReadonlyMap<number, Pod>, { update }: Revisions, isUp: (pod: Pod) => boolean): readonly Pod[] {
  const maxUnavailable = Math.max(scaledIntOrPercent(set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, replicasOf(set), false), 1);
  const [start, end] = [startOf(set), startOf(set) + replicasOf(set)];
  let room = maxUnavailable - [...byOrdinal].filter(([ordinal, pod]) => ordinal >= start && ordinal < end && (!isUp(pod) || isEnding(pod))).length;
  const chosen: Pod[] = [];
  for (let ordinal = end - 1; ordinal >= Math.max(start, partitionOf(set)); ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (!pod || isEnding(pod) || isOf(pod, update)) continue;
    // One that does not work anyway makes room for its successor at once.
    if (isUp(pod) && room <= 0) break;
    if (isUp(pod)) room--;
    chosen.push(pod);
    if (!isUp(pod)) break;
  }
  return chosen;
}

export function planStatus(set: StatefulSet, pods: readonly Pod[], { current, update }: Revisions, nowMs: number): StatefulSetStatus {
  const live = pods.filter((pod) => !isFinished(pod));
  const of = (revision: ControllerRevision) => live.filter((pod) => !isEnding(pod) && isOf(pod, revision)).length;
  const ready = live.filter(isRunningAndReady);
  const updated = of(update);
  const isDone = isRolling(set) && updated === replicasOf(set) && live.length === replicasOf(set) && ready.length === replicasOf(set) && partitionOf(set) <= startOf(set);
  const { conditions, collisionCount } = set.status ?? {};
  return compact({
    replicas: live.length, readyReplicas: ready.length, availableReplicas: ready.filter((pod) => isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs)).length,
    currentReplicas: isDone ? updated : of(current), updatedReplicas: updated, observedGeneration: set.metadata.generation ?? 0,
    currentRevision: (isDone ? update : current).metadata.name ?? "", updateRevision: update.metadata.name ?? "",
    ...(conditions && { conditions }), collisionCount: collisionCount ?? 0,
  }, ["replicas", "availableReplicas", "collisionCount"]);
}

/** A pod keeps its name, its host name and its volumes over all of its lives. */
function statefulPod(set: StatefulSet, ordinal: number, { current, update }: Revisions): StatefulPlan["create"][number] {
  const usesCurrent = isRolling(set) && (partitionOf(set) > 0 ? ordinal < partitionOf(set) : ordinal < startOf(set) + (set.status?.currentReplicas ?? 0)) && current.metadata.name !== update.metadata.name;
  const revision = usesCurrent ? current : update;
  const template = usesCurrent ? templateOf(current) : (set.spec?.template ?? {});
  const name = nameOf(set, ordinal);
  const { namespace = "" } = set.metadata;
  const { generateName: _, ...metadata } = podFor(set, template).metadata;
  const labels = { ...template.metadata?.labels, "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": String(ordinal), [revisionHashLabel]: revision.metadata.name ?? "" };
  const claims = (set.spec?.volumeClaimTemplates ?? []).map((claim): PersistentVolumeClaim => ({
    ...claim, metadata: { ...claim.metadata, name: `${claim.metadata.name ?? ""}-${name}`, namespace, labels: { ...claim.metadata.labels, ...set.spec?.selector.matchLabels } },
  }));
  const volumes = (set.spec?.volumeClaimTemplates ?? []).map((claim) => ({ name: claim.metadata.name ?? "", persistentVolumeClaim: { claimName: `${claim.metadata.name ?? ""}-${name}`, readOnly: false } }));
  const spec = template.spec ?? { containers: [] };
  const others = (spec.volumes ?? []).filter((volume) => !volumes.some((each) => each.name === volume.name));
  return {
    claims,
    pod: {
      apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name, labels },
      spec: { ...spec, hostname: name, ...(set.spec?.serviceName !== undefined && { subdomain: set.spec.serviceName }), ...(others.length + volumes.length > 0 && { volumes: [...others, ...volumes] }) },
    },
  };
}

/** What `ControllerRevision.data` holds, without the mark that makes it a patch. */
function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (data as { readonly spec: { readonly template: PodTemplateSpec & { readonly $patch?: string } } }).spec.template;
  return template;
}
