import { addQuantities, formatQuantity, maxQuantity, toQuantity, type Quantity } from "../../apimachinery/quantity.ts";
import type { Container, Pod } from "./types.ts";

type List = ReadonlyMap<string, Quantity>;
type Given = Readonly<Record<string, string | number>> | undefined;

const listOf = (given: Given): List => new Map(Object.entries(given ?? {}).map(([name, value]) => [name, toQuantity(value)]));
const combine = (a: List, b: List, how: (x: Quantity, y: Quantity) => Quantity): List =>
  new Map([...new Set([...a.keys(), ...b.keys()])].map((name) => {
    const [x, y] = [a.get(name), b.get(name)];
    return [name, x && y ? how(x, y) : (x ?? y ?? toQuantity(0))];
  }));
export const addLists = (a: List, b: List): List => combine(a, b, addQuantities);

/** What a pod needs at once: its containers and sidecars together, or the most that starting it takes; and its overhead. */
export function podResources(pod: Pod, which: "requests" | "limits"): List {
  const { containers = [], initContainers = [], overhead, resources } = pod.spec ?? {};
  const of = (container: Container): List => listOf(container.resources?.[which] as Given);
  let sum = containers.map(of).reduce(addLists, new Map());
  let starting: List = new Map();
  let sidecars: List = new Map();
  for (const container of initContainers) {
    if (container.restartPolicy === "Always") {
      sum = addLists(sum, of(container));
      sidecars = addLists(sidecars, of(container));
      starting = combine(starting, sidecars, maxQuantity);
    } else starting = combine(starting, addLists(sidecars, of(container)), maxQuantity);
  }
  const needed = combine(sum, starting, maxQuantity);
  const whole = new Map([...needed, ...listOf(resources?.[which] as Given)]);
  const extra = listOf(overhead as Given);
  // Overhead counts towards limits only where there is one.
  return which === "requests" ? addLists(whole, extra) : new Map([...whole].map(([name, value]) => [name, extra.has(name) ? addQuantities(value, extra.get(name) ?? 0) : value]));
}

export const quantityText = (quantity: Quantity | undefined): string => (quantity ? formatQuantity(quantity) : "0");
