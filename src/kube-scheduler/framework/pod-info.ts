import type { ContainerPort, Pod, Toleration } from "../../api/generated/core-v1.ts";
import { keyOf } from "../../apimachinery/object.ts";
import { affinityTerms, type AffinityTerms } from "./affinity-terms.ts";
import { podGroupOf, type PodGroup } from "./pod-group.ts";
import { podRequests, type Amounts } from "./resources.ts";

/** A pod with what the plugins ask about it, worked out once per version of the pod. */
export interface PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  /** "namespace/name" */
  readonly key: string;
  readonly priority: number;
  readonly requests: Amounts;
  /** The requests with upstream's assumptions for containers that name none; for scoring. */
  readonly assumedRequests: Amounts;
  readonly hostPorts: readonly ContainerPort[];
  readonly tolerations: readonly Toleration[];
  readonly terms: AffinityTerms;
  readonly group: PodGroup;
}

const noTolerations: readonly Toleration[] = [];
const noPorts: readonly ContainerPort[] = [];

export function podInfoOf(pod: Pod): PodInfo {
  return {
    pod, uid: pod.metadata.uid ?? "", key: keyOf(pod), priority: pod.spec?.priority ?? 0,
    requests: podRequests(pod), assumedRequests: podRequests(pod, { assumed: true }),
    hostPorts: hostPortsOf(pod), tolerations: pod.spec?.tolerations ?? noTolerations, terms: affinityTerms(pod), group: podGroupOf(pod),
  };
}

/** Ports of the node that the pod takes; sidecars take theirs too. */
function hostPortsOf(pod: Pod): readonly ContainerPort[] {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const ports = [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === "Always")]
    .flatMap(({ ports = [] }) => ports).filter(({ hostPort = 0 }) => hostPort > 0);
  return ports.length === 0 ? noPorts : ports;
}

export const hasAffinity = ({ terms }: PodInfo): boolean =>
  terms.requiredAffinity.length + terms.requiredAntiAffinity.length + terms.preferredAffinity.length + terms.preferredAntiAffinity.length > 0;

/** Pods that have ended take nothing from their node any more. */
export const hasEnded = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";
export const isAssigned = ({ spec }: Pod): boolean => spec?.nodeName !== undefined && spec.nodeName !== "";

/** When the pod started, for preemption: what has not started counts as started now. */
export const startedMs = ({ status }: Pod, nowMs: number): number => (status?.startTime === undefined ? nowMs : Date.parse(status.startTime));
