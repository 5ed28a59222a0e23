import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from "../../api/generated/core-v1.ts";
import { quantityValue, scaledValue, toQuantity } from "../../apimachinery/quantity.ts";
import { findContainer, nameOf, namespaceOf, specOf, uidOf } from "../pod/pod.ts";

/** What a pod may learn about itself that is not in its own object. */
export interface DownwardFacts {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly podIps: readonly string[];
  /** What a container without a limit may use, by resource. */
  readonly allocatable: Readonly<Record<string, string>>;
}

const quoted = (text: string): string => JSON.stringify(text);

/** `key="value"` lines in order of keys, as files of labels and annotations hold them. */
export const mapText = (map: Readonly<Record<string, string>> = {}): string =>
  Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key, value]) => `${key}=${quoted(value)}`).join("\n");

/** The value of a field of the pod. @throws Error with upstream's words for a field that cannot be asked for. */
export function fieldValue({ fieldPath }: ObjectFieldSelector, pod: Pod, facts: DownwardFacts): string {
  const subscript = /^metadata\.(annotations|labels)\['(.*)'\]$/.exec(fieldPath);
  if (subscript) return pod.metadata[subscript[1] as "annotations" | "labels"]?.[subscript[2] ?? ""] ?? "";
  switch (fieldPath) {
    case "metadata.name": return nameOf(pod);
    case "metadata.namespace": return namespaceOf(pod);
    case "metadata.uid": return uidOf(pod);
    case "metadata.labels": return mapText(pod.metadata.labels);
    case "metadata.annotations": return mapText(pod.metadata.annotations);
    case "spec.nodeName": return facts.nodeName;
    case "spec.serviceAccountName": return specOf(pod).serviceAccountName ?? "";
    case "status.hostIP": return facts.nodeIps[0] ?? "";
    case "status.hostIPs": return facts.nodeIps.join(",");
    case "status.podIP": return facts.podIps[0] ?? "";
    case "status.podIPs": return facts.podIps.join(",");
    default: throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

const divided = (amount: string, divisor: string | undefined, unit: 0 | -3): string => {
  const by = divisor === undefined || toQuantity(divisor).unscaled === 0n ? "1" : divisor;
  const value = scaledValue(amount, unit);
  const part = scaledValue(by, unit);
  return String((value + part - 1n) / part);
};

/** A limit or request of a container, in units of the divisor, rounded up; what is not limited is what the node has. */
export function resourceValue(selector: ResourceFieldSelector, pod: Pod, own: Container, facts: DownwardFacts): string {
  const { containerName = "", resource, divisor } = selector;
  const container = containerName === "" ? own : findContainer(pod, containerName)?.container;
  if (!container) throw new Error(`container ${containerName} not found`);
  const [kind, name] = [resource.slice(0, resource.indexOf(".")), resource.slice(resource.indexOf(".") + 1)];
  if ((kind !== "limits" && kind !== "requests") || (!["cpu", "memory", "ephemeral-storage"].includes(name) && !name.startsWith("hugepages-"))) throw new Error(`unsupported container resource : ${resource}`);
  const { limits = {}, requests = {} } = container.resources ?? {};
  const amount = kind === "limits" ? (limits[name] ?? facts.allocatable[name] ?? "0") : (requests[name] ?? limits[name] ?? "0");
  return divided(amount, divisor === undefined ? undefined : String(divisor), name === "cpu" ? -3 : 0);
}

export const wholeValue = (amount: string): number => quantityValue(amount);
