import type { ContainerImage, Node, NodeCondition, NodeStatus } from "../../api/generated/core-v1.ts";
import { formatTime } from "../../apimachinery/time.ts";
import type { Image, RuntimeCondition } from "../../cri/generated/cri-v1.ts";
import type { Machine } from "./machine.ts";

export const kubeletVersion = "v1.36.4";
export const podsMax = 110;
/** Kept free for the node itself: containers may use what is left. */
const memoryReservedBytes = 100 * 1024 * 1024;
const storageUsable = 0.9;
const imagesMax = 50;
const imageNamesMax = 5;

export interface NodeStatusInput {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly machine: Machine;
  readonly runtime: {
    readonly name: string;
    readonly version: string;
    readonly conditions: readonly RuntimeCondition[];
    /** Why the runtime does not answer. */
    readonly error?: string;
  };
  readonly images: readonly Image[];
  /** The kubelet's own HTTPS port. */
  readonly port: number;
  readonly previous: NodeStatus | undefined;
  readonly nowMs: number;
}

export function capacityOf({ cpus, memoryBytes, storageBytes }: Machine): Readonly<Record<string, string>> {
  return {
    cpu: String(cpus), memory: `${Math.floor(memoryBytes / 1024)}Ki`, pods: String(podsMax), "ephemeral-storage": `${Math.floor(storageBytes / 1024)}Ki`, "hugepages-1Gi": "0", "hugepages-2Mi": "0",
  };
}

export function allocatableOf(machine: Machine): Readonly<Record<string, string>> {
  return {
    ...capacityOf(machine), memory: `${Math.floor((machine.memoryBytes - memoryReservedBytes) / 1024)}Ki`, "ephemeral-storage": String(Math.floor(machine.storageBytes * storageUsable)),
  };
}

/** Why the node is not ready; empty when it is. */
function notReady({ conditions, error }: NodeStatusInput["runtime"]): string {
  if (error !== undefined) return `[container runtime is down, ${error}]`;
  const text = (type: string, what: string): string[] => {
    const condition = conditions.find((each) => each.type === type);
    return condition?.status === true ? [] : [`${what} not ready: ${type}=false reason:${condition?.reason ?? ""} message:${condition?.message ?? ""}`];
  };
  const reasons = [...text("RuntimeReady", "container runtime"), ...text("NetworkReady", "container runtime network")];
  return reasons.length > 1 ? `[${reasons.join(", ")}]` : (reasons[0] ?? "");
}

function conditionsOf(input: NodeStatusInput): readonly NodeCondition[] {
  const now = formatTime(input.nowMs);
  const problem = notReady(input.runtime);
  const facts = [
    ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    problem === "" ? ["Ready", "True", "KubeletReady", "kubelet is posting ready status"] : ["Ready", "False", "KubeletNotReady", problem],
  ] as const;
  return facts.map(([type, status, reason, message]) => {
    const old = input.previous?.conditions?.find((condition) => condition.type === type);
    return { type, status, lastHeartbeatTime: now, lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now, reason, message };
  });
}

const imageList = (images: readonly Image[]): readonly ContainerImage[] =>
  images.toSorted((a, b) => b.size - a.size).slice(0, imagesMax).map(({ repoDigests, repoTags, size }) => ({ names: [...repoDigests, ...repoTags].slice(0, imageNamesMax), sizeBytes: size }));

export function nodeStatus(input: NodeStatusInput): NodeStatus {
  const { nodeName, nodeIps, machine, runtime, images, port, previous } = input;
  const own = new Set(Object.keys(capacityOf(machine)));
  const foreign = (list: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(list).filter(([name]) => !own.has(name)));
  return {
    addresses: [...nodeIps.map((address) => ({ type: "InternalIP", address })), { type: "Hostname", address: nodeName }],
    // Resources that others have added (extended resources) stay.
    capacity: { ...foreign(previous?.capacity), ...capacityOf(machine) },
    allocatable: { ...foreign(previous?.capacity), ...allocatableOf(machine) },
    conditions: [...(previous?.conditions ?? []).filter(({ type }) => !["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].includes(type)), ...conditionsOf(input)],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    nodeInfo: {
      machineID: machine.machineId, systemUUID: machine.systemUuid, bootID: machine.bootId, kernelVersion: machine.kernelVersion, osImage: machine.osImage,
      containerRuntimeVersion: `${runtime.name}://${runtime.version}`, kubeletVersion, kubeProxyVersion: "", operatingSystem: "linux", architecture: machine.architecture,
      swap: { capacity: machine.swapBytes },
    },
    ...(images.length > 0 && { images: imageList(images) }),
    features: { supplementalGroupsPolicy: false },
  };
}

export const isReady = (status: NodeStatus | undefined): boolean => status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") === true;

export function newNode(nodeName: string, machine: Machine, labels: Readonly<Record<string, string>>, status: NodeStatus, spec: Node["spec"] = {}): Node {
  return {
    apiVersion: "v1", kind: "Node",
    metadata: {
      name: nodeName,
      labels: {
        "beta.kubernetes.io/arch": machine.architecture, "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": machine.architecture, "kubernetes.io/hostname": nodeName, "kubernetes.io/os": "linux", ...labels,
      },
      annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
    },
    spec, status,
  };
}
