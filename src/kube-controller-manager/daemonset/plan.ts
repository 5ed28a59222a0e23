import type { DaemonSet, DaemonSetStatus } from "../../api/generated/apps-v1.ts";
import type { Node, Pod } from "../../api/generated/core-v1.ts";
import { scaledIntOrPercent } from "../../apimachinery/int-or-string.ts";
import { controllerReference } from "../shared/owner.ts";
import { revisionHashLabel } from "../shared/history.ts";
import { podFor } from "../shared/pod-control.ts";
import { isActive, isAvailable, isReady } from "../shared/pods.ts";
import { compact } from "../shared/status.ts";
import { daemonTolerations, fitOf } from "./node-fit.ts";

export interface DaemonPlan {
  /** Names of nodes that lack a daemon. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Daemons that failed: removed too, and told. */
  readonly failed: readonly Pod[];
  readonly status: DaemonSetStatus;
}

export interface DaemonInput {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  /** Of the present template. */
  readonly hash: string;
  readonly nowMs: number;
}

/** The node that a daemon is for, bound to it or not. */
export function nodeOf({ spec }: Pod): string {
  if (spec?.nodeName) return spec.nodeName;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key, operator }) => key === "metadata.name" && operator === "In")?.values?.[0] ?? "";
}

export function planDaemons({ set, nodes, pods, hash, nowMs }: DaemonInput): DaemonPlan {
  const podSpec = set.spec?.template.spec ?? { containers: [] };
  const byNode = Map.groupBy(pods, nodeOf);
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const isUpdated = (pod: Pod) => pod.metadata.labels?.[revisionHashLabel] === hash;
  const [create, remove, failed]: [string[], Pod[], Pod[]] = [[], [], []];
  const counts = { current: 0, desired: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  const kept: Pod[] = [];

  for (const node of nodes) {
    const name = node.metadata.name ?? "";
    const there = byNode.get(name) ?? [];
    byNode.delete(name);
    const { shouldRun, mayStay } = fitOf(podSpec, node);
    const active = there.filter(isActive).toSorted(oldestFirst);
    if (!shouldRun) {
      if (active.length > 0) counts.misscheduled++;
      if (!mayStay) remove.push(...active);
      continue;
    }
    counts.desired++;
    failed.push(...there.filter(({ status, metadata }) => status?.phase === "Failed" && metadata.deletionTimestamp === undefined));
    const ended = there.filter(({ status, metadata }) => status?.phase === "Succeeded" && metadata.deletionTimestamp === undefined);
    remove.push(...ended, ...active.slice(1));
    const [pod] = active;
    if (pod) {
      kept.push(pod);
      counts.current++;
      if (isReady(pod)) counts.ready++;
      if (isAvailable(pod, minReadySeconds, nowMs)) counts.available++;
      if (isUpdated(pod)) counts.updated++;
    } else if (there.length === 0) create.push(name); // One that is going has to be gone first: two daemons must not meet.
  }
  if (set.spec?.updateStrategy?.type !== "OnDelete") remove.push(...outdated(set, kept, counts.desired, isUpdated, minReadySeconds, nowMs));

  const ends = set.metadata.deletionTimestamp !== undefined;
  const { conditions, collisionCount } = set.status ?? {};
  return {
    create: ends ? [] : create, remove: ends ? [] : remove, failed: ends ? [] : failed,
    status: compact({
      currentNumberScheduled: counts.current, numberMisscheduled: counts.misscheduled, desiredNumberScheduled: counts.desired, numberReady: counts.ready, observedGeneration: set.metadata.generation ?? 0,
      updatedNumberScheduled: counts.updated, numberAvailable: counts.available, numberUnavailable: counts.desired - counts.available,
      ...(conditions && { conditions }), ...(collisionCount !== undefined && { collisionCount }),
    }, ["currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"]),
  };
}

/** Daemons of an older template that may go now: unavailable ones at once, others as far as `maxUnavailable` allows. */
function outdated(set: DaemonSet, pods: readonly Pod[], desired: number, isUpdated: (pod: Pod) => boolean, minReadySeconds: number, nowMs: number): readonly Pod[] {
  const old = pods.filter((pod) => !isUpdated(pod));
  const isUp = (pod: Pod) => isAvailable(pod, minReadySeconds, nowMs);
  const maxUnavailable = Math.max(scaledIntOrPercent(set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, desired, true), 1);
  const down = desired - pods.filter(isUp).length;
  const room = Math.max(maxUnavailable - down, 0);
  return [...old.filter((pod) => !isUp(pod)), ...old.filter(isUp).slice(0, room)];
}

const oldestFirst = (a: Pod, b: Pod): number => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1);

/** A daemon for one node: the scheduler binds it, and can bind it nowhere else. */
export function daemonFor(set: DaemonSet, nodeName: string, hash: string): Pod {
  const template = set.spec?.template ?? {};
  const generation = set.metadata.annotations?.["deprecated.daemonset.template.generation"];
  const pod = podFor(set, template, {
    labels: { ...template.metadata?.labels, [revisionHashLabel]: hash, ...(generation !== undefined && { "pod-template-generation": generation }) }, ownerReferences: [controllerReference(set)],
  });
  const spec = template.spec ?? { containers: [] };
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const matchFields = [{ key: "metadata.name", operator: "In", values: [nodeName] }];
  const nodeSelectorTerms = required ? required.nodeSelectorTerms.map((term) => ({ ...term, matchFields })) : [{ matchFields }];
  const present = spec.tolerations ?? [];
  const added = daemonTolerations(spec.hostNetwork === true).filter(({ key, effect }) => !present.some((each) => each.key === key && each.effect === effect && each.operator === "Exists"));
  return {
    ...pod,
    spec: {
      ...spec, tolerations: [...present, ...added],
      affinity: { ...spec.affinity, nodeAffinity: { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    },
  };
}
