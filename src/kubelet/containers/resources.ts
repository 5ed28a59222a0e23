import type { Container, Pod } from "../../api/generated/core-v1.ts";
import { quantityMilliValue, quantityValue } from "../../apimachinery/quantity.ts";
import type { LinuxContainerResources } from "../../cri/generated/cri-v1.ts";
import type { Input } from "../../stdx/grpc.ts";
import { isSidecar, qosClassOf, specOf } from "../pod/pod.ts";

/** Arithmetic of the kernel's CPU controller: shares per processor, the shortest and usual period. */
const sharesPerCpu = 1024;
const sharesMin = 2;
const sharesMax = 262_144;
export const quotaPeriodUs = 100_000;
const quotaUsMin = 1000;

export const cpuShares = (milliCpu: number): number => (milliCpu === 0 ? sharesMin : Math.min(Math.max(Math.floor((milliCpu * sharesPerCpu) / 1000), sharesMin), sharesMax));
/** 0 where there is no limit. */
export const cpuQuotaUs = (milliCpu: number): number => (milliCpu === 0 ? 0 : Math.max(Math.floor((milliCpu * quotaPeriodUs) / 1000), quotaUsMin));
/** Shares of version 1 as the weight of version 2. */
export const cpuWeight = (shares: number): number => 1 + Math.floor(((shares - 2) * 9999) / 262_142);

const guaranteedOomScoreAdj = -997;
const bestEffortOomScoreAdj = 1000;
const systemCriticalPriority = 2_000_000_000;
const nodeCriticalPriority = 2_000_001_000;

export const isCritical = (pod: Pod): boolean => (specOf(pod).priority ?? 0) >= systemCriticalPriority;

const memoryRequest = (container: Container): number => quantityValue(container.resources?.requests?.["memory"] ?? container.resources?.limits?.["memory"] ?? "0");

/** Who dies first when memory runs out: best effort before burstable before guaranteed, those who asked for little before those who asked for much. */
export function oomScoreAdj(pod: Pod, container: Container, memoryBytes: number): number {
  if ((specOf(pod).priority ?? 0) >= nodeCriticalPriority) return guaranteedOomScoreAdj;
  const qos = qosClassOf(pod);
  if (qos === "Guaranteed") return guaranteedOomScoreAdj;
  if (qos === "BestEffort") return bestEffortOomScoreAdj;
  const of = (bytes: number): number => 1000 - Math.floor((1000 * bytes) / memoryBytes);
  const own = of(memoryRequest(container));
  const score = isSidecar(container) ? Math.min(own, of(Math.min(...specOf(pod).containers.map(memoryRequest)))) : own;
  return Math.min(Math.max(score, 1000 + guaranteedOomScoreAdj), bestEffortOomScoreAdj - 1);
}

/** What the node is, as far as containers' limits depend on it. */
export interface NodeResources {
  readonly memoryBytes: number;
  /** The kernel can limit swap. */
  readonly swapControlled: boolean;
}

export function containerResources(pod: Pod, container: Container, node: NodeResources): Input<LinuxContainerResources> {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const podLimits = specOf(pod).resources?.limits ?? {};
  const cpuLimit = quantityMilliValue(limits["cpu"] ?? podLimits["cpu"] ?? "0");
  const cpuRequest = requests["cpu"] === undefined ? quantityMilliValue(limits["cpu"] ?? "0") : quantityMilliValue(requests["cpu"]);
  const memoryLimitInBytes = quantityValue(limits["memory"] ?? podLimits["memory"] ?? "0");
  return {
    cpuShares: cpuShares(cpuRequest),
    cpuPeriod: quotaPeriodUs,
    cpuQuota: cpuQuotaUs(cpuLimit),
    memoryLimitInBytes,
    // Equal to the memory limit: containers get no swap.
    ...(memoryLimitInBytes > 0 && node.swapControlled && { memorySwapLimitInBytes: memoryLimitInBytes }),
    oomScoreAdj: oomScoreAdj(pod, container, node.memoryBytes),
  };
}
