import { equal } from "../../stdx/equal.ts";

type Labels = Readonly<Record<string, string>>;

/** Labels of Kubernetes' own that kubelets may set on their node. */
const kubeletLabels: ReadonlySet<string> = new Set([
  "kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
  "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch",
]);
const kubeletDomains: readonly string[] = ["kubelet.kubernetes.io", "node.kubernetes.io"];
const restrictedDomain = "node-restriction.kubernetes.io";

const domainOf = (label: string): string => (label.includes("/") ? label.slice(0, label.indexOf("/")) : "");
const isWithin = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);

function isForbidden(label: string): boolean {
  const domain = domainOf(label);
  if (isWithin(domain, restrictedDomain)) return true;
  const isOurs = isWithin(domain, "kubernetes.io") || isWithin(domain, "k8s.io");
  return isOurs && !kubeletLabels.has(label) && !kubeletDomains.some((each) => isWithin(domain, each));
}

/** The labels that a node changed although it may not: they could draw workloads of others to it. Sorted. */
export function forbiddenNodeLabels(next: Labels = {}, previous: Labels = {}): readonly string[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(previous)])].filter((label) => !equal(next[label], previous[label]));
  return changed.filter(isForbidden).toSorted();
}
