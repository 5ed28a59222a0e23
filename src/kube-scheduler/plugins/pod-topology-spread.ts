import type { Node, Pod, TopologySpreadConstraint } from "../../api/generated/core-v1.ts";
import { bothMatch, labelMatcherOf, matcherOfLabels, matchesLabels, type LabelMatcher } from "../../apimachinery/label-selector.ts";
import { equal } from "../../stdx/equal.ts";
import type { NodeInfo } from "../cache/node-info.ts";
import { requiredNodes } from "../framework/node-selection.ts";
import { remembering } from "../framework/interned.ts";
import type { PodGroup } from "../framework/pod-group.ts";
import type { PodInfo } from "../framework/pod-info.ts";
import { untoleratedTaint } from "../framework/tolerations.ts";
import { rejection, scoreMax, type ClusterView, type Plugin, type PodFilter, type PodScorer } from "../framework/plugin.ts";

const name = "PodTopologySpread";
const uneven = rejection(name, "unschedulable", "node(s) didn't match pod topology spread constraints");
const unlabelled = rejection(name, "unresolvable", "node(s) didn't match pod topology spread constraints (missing required label)");
const hostname = "kubernetes.io/hostname";
/** Upstream's system defaults: pods of one Service or controller spread over nodes and zones where they can. */
const defaults: readonly TopologySpreadConstraint[] = [
  { topologyKey: hostname, whenUnsatisfiable: "ScheduleAnyway", maxSkew: 3 },
  { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 5 },
];

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: LabelMatcher;
  /** Is a pod of this group counted: of the same namespace, meant by the selector and not on its way out? An empty selector means nobody. */
  readonly counts: (group: PodGroup) => boolean;
  /** Does a node's count matter at all for this pod (node affinity and taints, as the constraint's policies say)? */
  readonly includes: (node: Node) => boolean;
}

function constraintsOf(info: PodInfo, constraints: readonly TopologySpreadConstraint[], action: string, selector?: LabelMatcher): Constraint[] {
  const { pod, tolerations } = info;
  const required = requiredNodes(pod);
  return constraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action).map(({ topologyKey, maxSkew, minDomains = 1, labelSelector, matchLabelKeys = [], nodeAffinityPolicy, nodeTaintsPolicy }) => {
    const own = Object.fromEntries(matchLabelKeys.flatMap((key) => {
      const value = pod.metadata.labels?.[key];
      return value === undefined ? [] : [[key, value] as const];
    }));
    const matcher = selector ?? bothMatch(matcherOfLabels(own), labelMatcherOf(labelSelector));
    return {
      topologyKey, maxSkew, minDomains, selector: matcher,
      counts: matcher.requirements.length === 0 ? () => false
        : remembering(({ namespace, labels, leaving }: PodGroup) => !leaving && namespace === (pod.metadata.namespace ?? "") && matchesLabels(matcher, labels)),
      includes: (node: Node) => (nodeAffinityPolicy === "Ignore" || !required || required(node)) && (nodeTaintsPolicy !== "Honor" || !untoleratedTaint(node.spec?.taints, tolerations)),
    };
  });
}

function countOn(node: NodeInfo, counts: Constraint["counts"]): number {
  let count = 0;
  for (const [group, pods] of node.groups) if (counts(group)) count += pods;
  return count;
}

const hasAllKeys = ({ labels }: NodeInfo, constraints: readonly Constraint[]): boolean => constraints.every(({ topologyKey }) => Object.hasOwn(labels, topologyKey));

/** How many matching pods each domain of one constraint holds. */
class Domains {
  readonly #counts = new Map<string, number>();
  #min: number | undefined;

  add(domain: string, count: number): void {
    this.#counts.set(domain, (this.#counts.get(domain) ?? 0) + count);
    this.#min = undefined;
  }
  count(domain: string): number {
    return this.#counts.get(domain) ?? 0;
  }
  /** The smallest count; 0 while there are fewer domains than asked for, Infinity without any. */
  min(minDomains: number): number {
    if (this.#counts.size < minDomains) return 0;
    if (this.#min === undefined) {
      this.#min = Infinity;
      for (const count of this.#counts.values()) if (count < this.#min) this.#min = count;
    }
    return this.#min;
  }
}

function filterOf(info: PodInfo, cluster: ClusterView): PodFilter | undefined {
  const { pod } = info;
  const constraints = constraintsOf(info, pod.spec?.topologySpreadConstraints ?? [], "DoNotSchedule");
  if (constraints.length === 0) return undefined;
  const { namespace, labels } = pod.metadata;
  const domains = constraints.map(() => new Domains());
  const self = constraints.map(({ selector }) => Number(matchesLabels(selector, labels)));
  for (const node of cluster.nodes) {
    if (!node.node || !hasAllKeys(node, constraints)) continue;
    for (const [index, { topologyKey, counts, includes }] of constraints.entries()) {
      if (includes(node.node)) domains[index]?.add(node.labels[topologyKey] ?? "", countOn(node, counts));
    }
  }

  const change = (other: Pod, node: NodeInfo, delta: number): void => {
    if (other.metadata.namespace !== namespace || !node.node || !hasAllKeys(node, constraints)) return;
    for (const [index, { topologyKey, selector, includes }] of constraints.entries()) {
      if (matchesLabels(selector, other.metadata.labels) && includes(node.node)) domains[index]?.add(node.labels[topologyKey] ?? "", delta);
    }
  };
  return {
    check(node) {
      for (const [index, { topologyKey, maxSkew, minDomains }] of constraints.entries()) {
        const domain = node.labels[topologyKey];
        if (domain === undefined) return unlabelled;
        const counts = domains[index];
        if (counts && counts.count(domain) + (self[index] ?? 0) - counts.min(minDomains) > maxSkew) return uneven;
      }
      return undefined;
    },
    add: (other, node) => change(other.pod, node, 1),
    remove: (other, node) => change(other.pod, node, -1),
  };
}

function scorerOf(info: PodInfo, cluster: ClusterView, nodes: readonly NodeInfo[]): PodScorer | undefined {
  const { pod } = info;
  const own = pod.spec?.topologySpreadConstraints ?? [];
  const siblings = own.length === 0 ? cluster.siblingsOf(pod) : undefined;
  if (own.length === 0 && !siblings) return undefined;
  const constraints = own.length > 0 ? constraintsOf(info, own, "ScheduleAnyway") : constraintsOf(info, defaults, "ScheduleAnyway", siblings);
  if (constraints.length === 0) return undefined;

  // A pod's own constraints leave out nodes without their labels; the defaults make do with what a node has.
  const needsAllKeys = own.length > 0;
  const ignored = new Set(needsAllKeys ? nodes.filter((node) => !hasAllKeys(node, constraints)) : []);
  const counts = constraints.map(({ topologyKey }) => {
    const domains = new Map<string, number>();
    if (topologyKey !== hostname) for (const node of nodes) if (!ignored.has(node)) domains.set(node.labels[topologyKey] ?? "", 0);
    return domains;
  });
  const weights = constraints.map(({ topologyKey }, index) => Math.log((topologyKey === hostname ? nodes.length - ignored.size : (counts[index]?.size ?? 0)) + 2));
  for (const [index, { topologyKey, counts: counted, includes }] of constraints.entries()) {
    const domains = counts[index];
    // Without two domains to choose from, and on hosts, nothing has to be added up.
    if (topologyKey === hostname || !domains || domains.size === 0) continue;
    for (const node of cluster.nodes) {
      if (!node.node || node.podCount === 0 || (needsAllKeys && !hasAllKeys(node, constraints)) || !includes(node.node)) continue;
      const domain = node.labels[topologyKey] ?? "";
      const known = domains.get(domain);
      if (known !== undefined) domains.set(domain, known + countOn(node, counted));
    }
  }

  return {
    score(node) {
      if (ignored.has(node)) return 0;
      let score = 0;
      for (const [index, { topologyKey, maxSkew, counts: counted }] of constraints.entries()) {
        const domain = node.labels[topologyKey];
        if (domain === undefined) continue;
        const count = topologyKey === hostname ? countOn(node, counted) : (counts[index]?.get(domain) ?? 0);
        score += count * (weights[index] ?? 0) + maxSkew - 1;
      }
      return Math.round(score);
    },
    normalize(scores, of) {
      let [min, max] = [Infinity, 0];
      for (const [index, score] of scores.entries()) {
        const node = of[index];
        if (node && ignored.has(node)) continue;
        min = Math.min(min, score);
        max = Math.max(max, score);
      }
      for (const [index, score] of scores.entries()) {
        const node = of[index];
        scores[index] = node && ignored.has(node) ? 0 : max === 0 ? scoreMax : Math.trunc((scoreMax * (max + min - score)) / max);
      }
    },
  };
}

/** Spreads pods over the domains that labels of nodes make: as demanded (DoNotSchedule) or as well as it goes (ScheduleAnyway, system defaults). */
export const podTopologySpread: Plugin = {
  name,
  weight: 2,
  filter: filterOf,
  scorer: scorerOf,

  mayHelp(event, info) {
    const constraints = constraintsOf(info, info.pod.spec?.topologySpreadConstraints ?? [], "DoNotSchedule");
    if (event.resource === "AssignedPod") {
      const [before, after] = [event.previous, event.next];
      if ((after ?? before)?.metadata.namespace !== info.pod.metadata.namespace) return false;
      const counts = (pod: Pod | undefined): boolean[] => constraints.map(({ selector }) => pod !== undefined && pod.metadata.deletionTimestamp === undefined && matchesLabels(selector, pod.metadata.labels));
      return !equal(counts(before), counts(after));
    }
    if (event.resource !== "Node") return false;
    const labelsOf = (node: Node | undefined): (string | undefined)[] => constraints.map(({ topologyKey }) => node?.metadata.labels?.[topologyKey]);
    const included = (node: Node | undefined): boolean[] => constraints.map(({ includes }) => node !== undefined && includes(node));
    return event.previous === undefined || event.next === undefined || !equal(labelsOf(event.previous), labelsOf(event.next)) || !equal(included(event.previous), included(event.next));
  },
};
