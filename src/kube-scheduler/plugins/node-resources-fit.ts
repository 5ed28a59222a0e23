import type { Pod } from "../../api/generated/core-v1.ts";
import type { NodeInfo } from "../cache/node-info.ts";
import type { PodInfo } from "../framework/pod-info.ts";
import { amountsOf, podRequests, type Amounts } from "../framework/resources.ts";
import { rejection, scoreMax, type Plugin, type Rejection } from "../framework/plugin.ts";

const name = "NodeResourcesFit";
/** Upstream's order in messages: these first, then what else the pod asks for. */
const first = ["cpu", "memory", "ephemeral-storage"];

function insufficient(requests: readonly (readonly [string, number])[], { podCount, requested, allocatable }: Pick<NodeInfo, "podCount" | "requested" | "allocatable">): Rejection | undefined {
  let reasons: string[] | undefined;
  let unresolvable = false;
  if (podCount + 1 > (allocatable["pods"] ?? 0)) (reasons ??= []).push("Too many pods");
  for (const [resource, amount] of requests) {
    const capacity = allocatable[resource] ?? 0;
    if (amount <= capacity - (requested[resource] ?? 0)) continue;
    (reasons ??= []).push(`Insufficient ${resource}`);
    if (amount > capacity) unresolvable = true;
  }
  return reasons && rejection(name, unresolvable ? "unresolvable" : "unschedulable", ...reasons);
}

const wanted = ({ requests }: PodInfo): (readonly [string, number])[] =>
  [...first, ...Object.keys(requests).filter((resource) => !first.includes(resource))]
    .map((resource) => [resource, requests[resource] ?? 0] as const).filter(([, amount]) => amount > 0);

/** The share that stays free, in hundredths; a node that would be overfull gets nothing. */
const leastRequested = (requested: number, capacity: number): number => (capacity === 0 || requested > capacity ? 0 : Math.trunc(((capacity - requested) * scoreMax) / capacity));

/** A pod goes where its requests fit, and rather where more is left (LeastAllocated, CPU and memory alike). */
export const nodeResourcesFit: Plugin = {
  name,
  weight: 1,

  filter(pod) {
    const requests = wanted(pod);
    return { check: (node) => insufficient(requests, node) };
  },

  scorer({ assumedRequests: { cpu = 0, memory = 0 } }) {
    return {
      score({ allocatable, assumedMilliCpu, assumedMemory }) {
        const [cpuCapacity, memoryCapacity] = [allocatable["cpu"] ?? 0, allocatable["memory"] ?? 0];
        const counted = Number(cpuCapacity > 0) + Number(memoryCapacity > 0);
        if (counted === 0) return 0;
        return Math.trunc((leastRequested(assumedMilliCpu + cpu, cpuCapacity) + leastRequested(assumedMemory + memory, memoryCapacity)) / counted);
      },
    };
  },

  mayHelp(event, pod) {
    if (event.resource === "AssignedPod") return event.previous !== undefined && (event.next === undefined || shrank(event.previous, event.next));
    if (event.resource !== "Node" || !event.next) return false;
    const allocatable = amountsOf(event.next.status?.allocatable);
    const requests = wanted(pod);
    if (insufficient(requests, { podCount: 0, requested: {}, allocatable })) return false;
    if (!event.previous) return true;
    const before = amountsOf(event.previous.status?.allocatable);
    return ["pods", ...requests.map(([resource]) => resource)].some((resource) => (allocatable[resource] ?? 0) > (before[resource] ?? 0));
  },
};

function shrank(previous: Pod, next: Pod): boolean {
  if (previous.spec === next.spec && previous.status?.containerStatuses === next.status?.containerStatuses) return false;
  const [before, after]: Amounts[] = [podRequests(previous), podRequests(next)];
  return Object.keys(before ?? {}).some((resource) => (after?.[resource] ?? 0) < (before?.[resource] ?? 0));
}
