import { addQuantities, compareQuantities, isQuantity, quantityOf, type Quantity } from "../../apimachinery/quantity.ts";
import type { Pod, ResourceRequirements } from "../generated/core-v1.ts";

type QosClass = "Guaranteed" | "Burstable" | "BestEffort";
const counted = ["cpu", "memory"] as const;
type Totals = Map<string, Quantity>;

const isAbove = (amount: string): boolean => isQuantity(`${amount}`) && compareQuantities(amount, "0") > 0;

/** Adds what is asked for, zero being the same as nothing. */
function add(totals: Totals, resources: Readonly<Record<string, string>> | undefined): void {
  for (const name of counted) {
    const amount = resources?.[name];
    if (amount !== undefined && isAbove(amount)) totals.set(name, addQuantities(totals.get(name) ?? quantityOf(0), amount));
  }
}
const limitsAll = (limits: Readonly<Record<string, string>> | undefined): boolean =>
  counted.every((name) => isAbove(limits?.[name] ?? "0"));

/**
 * The class by which a pod is treated when its node runs out of memory: Guaranteed when every container has limits for CPU and memory equal
 * to its requests, BestEffort when none asks for anything. Resources of the pod as a whole, where given, take the containers' place.
 */
export function podQosClass({ spec }: Pod): QosClass {
  const requests: Totals = new Map();
  const limits: Totals = new Map();
  const whole = spec?.resources;
  const groups: readonly (ResourceRequirements | undefined)[] = whole !== undefined
    ? [whole]
    : [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(({ resources }) => resources);
  for (const resources of groups) {
    add(requests, resources?.requests);
    add(limits, resources?.limits);
  }
  if (requests.size === 0 && limits.size === 0) return "BestEffort";

  const guaranteed = groups.every((resources) => limitsAll(resources?.limits)) && requests.size === limits.size
    && [...requests].every(([name, amount]) => compareQuantities(limits.get(name) ?? "0", amount) === 0);
  return guaranteed ? "Guaranteed" : "Burstable";
}
