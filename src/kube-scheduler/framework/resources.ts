import type { Container, Pod } from "../../api/generated/core-v1.ts";
import { quantityMilliValue, quantityValue } from "../../apimachinery/quantity.ts";

type Quantities = Readonly<Record<string, string | number>>;

/** Amounts by resource: CPU in thousandths of a core, everything else in its own unit. Resources that nobody mentions are absent. */
export type Amounts = Readonly<Record<string, number>>;

/** What upstream assumes for scoring where a container names no request, so that such containers spread too. */
const assumedMilliCpu = 100;
const assumedMemoryBytes = 200 * 1024 * 1024;

/** Quantities repeat all over a cluster; parsing them once is enough. */
const parsedMax = 10_000;
const parsed = new Map<string, number>();

function amountOf(resource: string, quantity: string | number): number {
  const key = resource === "cpu" ? `${quantity}c` : String(quantity);
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const amount = resource === "cpu" ? quantityMilliValue(quantity) : quantityValue(quantity);
  if (parsed.size >= parsedMax) parsed.clear();
  parsed.set(key, amount);
  return amount;
}

export function amountsOf(quantities: Quantities | undefined): Amounts {
  const amounts: Record<string, number> = {};
  for (const resource in quantities) amounts[resource] = amountOf(resource, quantities[resource] ?? 0);
  return amounts;
}

function add(to: Record<string, number>, amounts: Amounts): void {
  for (const resource in amounts) to[resource] = (to[resource] ?? 0) + (amounts[resource] ?? 0);
}
function raise(to: Record<string, number>, amounts: Amounts): void {
  for (const resource in amounts) to[resource] = Math.max(to[resource] ?? 0, amounts[resource] ?? 0);
}

/** Upstream counts only these at the level of the pod. */
const countsForPod = (resource: string): boolean => resource === "cpu" || resource === "memory" || resource.startsWith("hugepages-");

/** A container that runs may be given more than its spec says now, while a resize is under way. */
function requestsOf(pod: Pod, container: Container, statuses: boolean): Amounts {
  const spec = amountsOf(container.resources?.requests);
  if (!statuses) return spec;
  const status = pod.status?.containerStatuses?.find(({ name }) => name === container.name) ?? pod.status?.initContainerStatuses?.find(({ name }) => name === container.name);
  if (!status?.resources) return spec;
  const infeasible = pod.status?.conditions?.some(({ type, reason }) => type === "PodResizePending" && reason === "Infeasible") ?? false;
  const effective: Record<string, number> = infeasible ? {} : { ...spec };
  raise(effective, amountsOf(status.resources.requests));
  raise(effective, amountsOf(status.allocatedResources));
  return effective;
}

/**
 * What a pod needs: the sum of its containers and sidecars, or the most that its init containers need on the way there; pod-level requests win;
 * overhead comes on top (KEP-753, KEP-2837). `assumed` fills in CPU and memory where a container requests none.
 */
export function podRequests(pod: Pod, { assumed = false } = {}): Amounts {
  const statuses = pod.status?.containerStatuses !== undefined;
  const ofContainer = (container: Container, running: boolean): Amounts => {
    const own = requestsOf(pod, container, statuses && running);
    return assumed ? { ...own, cpu: own["cpu"] ?? assumedMilliCpu, memory: own["memory"] ?? assumedMemoryBytes } : own;
  };
  const { containers = [], initContainers = [], resources, overhead } = pod.spec ?? {};
  const total: Record<string, number> = {};
  for (const container of containers) add(total, ofContainer(container, true));

  const sidecars: Record<string, number> = {};
  const starting: Record<string, number> = {};
  for (const container of initContainers) {
    const sidecar = container.restartPolicy === "Always";
    const own = ofContainer(container, sidecar);
    if (sidecar) {
      add(total, own);
      add(sidecars, own);
      raise(starting, sidecars);
    } else {
      const together = { ...sidecars };
      add(together, own);
      raise(starting, together);
    }
  }
  raise(total, starting);
  const podLevel = amountsOf(resources?.requests);
  for (const resource in podLevel) if (countsForPod(resource)) total[resource] = podLevel[resource] ?? 0;
  add(total, amountsOf(overhead));
  return total;
}
