import type { Container, EphemeralContainer, Pod, PodSpec } from "../../api/generated/core-v1.ts";
import { isZeroQuantity, compareQuantities } from "../../apimachinery/quantity.ts";

/** Small questions about a pod that many parts of the kubelet ask. */
export const specOf = (pod: Pod): PodSpec => pod.spec ?? { containers: [] };
export const uidOf = (pod: Pod): string => pod.metadata.uid ?? "";
export const namespaceOf = (pod: Pod): string => pod.metadata.namespace ?? "";
export const nameOf = (pod: Pod): string => pod.metadata.name ?? "";

/** "name_namespace(uid)", as messages name a pod. */
export const podText = (pod: Pod): string => `${nameOf(pod)}_${namespaceOf(pod)}(${uidOf(pod)})`;

export type ContainerKind = "init" | "sidecar" | "main" | "ephemeral";
export interface NamedContainer {
  readonly kind: ContainerKind;
  readonly container: Container;
  /** Where an event about it points to. */
  readonly fieldPath: string;
}

/** An init container that stays: it is restarted always, and ends after the main containers. */
export const isSidecar = (container: Container): boolean => container.restartPolicy === "Always";
const asContainer = ({ targetContainerName: _, ...container }: EphemeralContainer): Container => container;

/** All containers of a pod, init containers first. */
export function containersOf(pod: Pod): readonly NamedContainer[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = specOf(pod);
  return [
    ...initContainers.map((container): NamedContainer => ({ kind: isSidecar(container) ? "sidecar" : "init", container, fieldPath: `spec.initContainers{${container.name}}` })),
    ...containers.map((container): NamedContainer => ({ kind: "main", container, fieldPath: `spec.containers{${container.name}}` })),
    ...ephemeralContainers.map((container): NamedContainer => ({ kind: "ephemeral", container: asContainer(container), fieldPath: `spec.ephemeralContainers{${container.name}}` })),
  ];
}
export const findContainer = (pod: Pod, name: string): NamedContainer | undefined => containersOf(pod).find(({ container }) => container.name === name);

export const isHostNetwork = (pod: Pod): boolean => specOf(pod).hostNetwork === true;
export const isMirrorPod = (pod: Pod): boolean => pod.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined;
export const isStaticPod = (pod: Pod): boolean => !["", "api", undefined].includes(pod.metadata.annotations?.["kubernetes.io/config.source"]);
export const isTerminal = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

/** Whether a container that ended with this code is started again: its own rules, then its own policy, then that of the pod. */
export function restartsAfter(pod: Pod, { kind, container }: Pick<NamedContainer, "kind" | "container">, exitCode: number): boolean {
  if (kind === "ephemeral") return false;
  for (const { exitCodes } of container.restartPolicyRules ?? []) {
    if (!exitCodes) continue;
    const listed = exitCodes.values?.includes(exitCode) === true;
    if (exitCodes.operator === "In" ? listed : !listed) return true;
  }
  const policy = container.restartPolicy ?? specOf(pod).restartPolicy ?? "Always";
  // An init container that succeeded is done, whatever the pod's policy; those that fail are tried again unless the policy is Never.
  if (kind === "init") return exitCode !== 0 && policy !== "Never";
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** The quality-of-service class: from cpu and memory of all containers, or of the pod itself where it has resources. */
export function qosClassOf(pod: Pod): QosClass {
  if (pod.status?.qosClass !== undefined) return pod.status.qosClass as QosClass;
  const { containers, initContainers = [], resources } = specOf(pod);
  const all = resources ? [resources] : [...containers, ...initContainers].map((container) => container.resources ?? {});
  const counted = ["cpu", "memory"] as const;
  const amount = (list: Readonly<Record<string, string | number>> | undefined, name: string): string | number | undefined => {
    const value = list?.[name];
    return value === undefined || isZeroQuantity(value) ? undefined : value;
  };
  if (all.every(({ requests, limits }) => counted.every((name) => amount(requests, name) === undefined && amount(limits, name) === undefined))) return "BestEffort";
  const guaranteed = all.every(({ requests, limits }) => counted.every((name) => {
    const limit = amount(limits, name);
    const request = amount(requests, name) ?? limit;
    return limit !== undefined && request !== undefined && compareQuantities(limit, request) === 0;
  }));
  return guaranteed ? "Guaranteed" : "Burstable";
}

/** The seconds that a pod has to end, once its deletion began. */
export const gracePeriodSecondsOf = (pod: Pod): number =>
  Math.max(pod.metadata.deletionGracePeriodSeconds ?? specOf(pod).terminationGracePeriodSeconds ?? 30, 1);
