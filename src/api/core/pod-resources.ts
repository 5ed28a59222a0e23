import { addQuantities, formatQuantity, isQuantity, maxQuantity } from "../../apimachinery/quantity.ts";
import type { Container, PodSpec } from "../generated/core-v1.ts";
import type { ResourceList } from "./resource-list.ts";

const merge = (a: ResourceList, b: ResourceList, both: (x: string, y: string) => string): ResourceList => {
  const result: Record<string, string> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    const present = result[name];
    result[name] = present === undefined ? amount : both(present, amount);
  }
  return result;
};
const valid = (resources: ResourceList | undefined): ResourceList => Object.fromEntries(Object.entries(resources ?? {}).filter(([, amount]) => isQuantity(`${amount}`)));
const sum = (a: ResourceList, b: ResourceList): ResourceList => merge(a, b, (x, y) => formatQuantity(addQuantities(x, y)));
const highest = (a: ResourceList, b: ResourceList): ResourceList => merge(a, b, (x, y) => formatQuantity(maxQuantity(x, y)));

/**
 * What all containers together take at the most, per resource: the main containers and the sidecars run side by side; each init container
 * runs alone with the sidecars that were started before it.
 */
export function aggregateContainers(spec: PodSpec, of: "requests" | "limits"): ResourceList {
  const take = (container: Container): ResourceList => valid(container.resources?.[of]);
  let total = (spec.containers ?? []).map(take).reduce(sum, {});
  let sidecars: ResourceList = {};
  let initPeak: ResourceList = {};
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === "Always") {
      total = sum(total, take(container));
      sidecars = sum(sidecars, take(container));
      initPeak = highest(initPeak, sidecars);
    } else {
      initPeak = highest(initPeak, sum(take(container), sidecars));
    }
  }
  return highest(total, initPeak);
}

/** Resources that may be asked for by the pod as a whole. */
export const isPodLevelResource = (name: string): boolean => name === "cpu" || name === "memory" || isHugePages(name);
export const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
