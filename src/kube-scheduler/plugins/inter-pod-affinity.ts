import type { Pod } from "../../api/generated/core-v1.ts";
import { equal } from "../../stdx/equal.ts";
import type { NodeInfo } from "../cache/node-info.ts";
import { affinityTerms, termMeans, type AffinityTerm, type NamespaceLabels } from "../framework/affinity-terms.ts";
import { remembering } from "../framework/interned.ts";
import { podGroupOf, type PodGroup } from "../framework/pod-group.ts";
import type { PodInfo } from "../framework/pod-info.ts";
import { rejection, scoreMax, type ClusterView, type Plugin, type PodFilter, type PodScorer } from "../framework/plugin.ts";

const name = "InterPodAffinity";
const notNear = rejection(name, "unresolvable", "node(s) didn't match pod affinity rules");
const tooNear = rejection(name, "unschedulable", "node(s) didn't match pod anti-affinity rules");
const unwanted = rejection(name, "unschedulable", "node(s) didn't satisfy existing pods anti-affinity rules");
/** What a required affinity of a running pod towards this one counts when nodes are scored. */
const requiredAffinityWeight = 1;

/** Counts by a node label and its value. */
class TopologyCounts {
  readonly #byKey = new Map<string, Map<string, number>>();
  #size = 0;

  get empty(): boolean {
    return this.#size === 0;
  }
  add({ labels }: NodeInfo, topologyKey: string, count: number): void {
    const value = labels[topologyKey];
    if (value === undefined || count === 0) return;
    const values = this.#byKey.get(topologyKey) ?? new Map<string, number>();
    this.#byKey.set(topologyKey, values);
    const sum = (values.get(value) ?? 0) + count;
    if (!values.has(value)) this.#size++;
    if (sum === 0) {
      values.delete(value);
      this.#size--;
    } else {
      values.set(value, sum);
    }
  }
  at({ labels }: NodeInfo, topologyKey: string): number {
    const value = labels[topologyKey];
    return value === undefined ? 0 : (this.#byKey.get(topologyKey)?.get(value) ?? 0);
  }
  sum(node: NodeInfo): number {
    let sum = 0;
    for (const key of this.#byKey.keys()) sum += this.at(node, key);
    return sum;
  }
  anyAt(node: NodeInfo): boolean {
    for (const key of this.#byKey.keys()) if (this.at(node, key) > 0) return true;
    return false;
  }
}

const meansAll = (terms: readonly AffinityTerm[], group: PodGroup, namespaceLabels: NamespaceLabels): boolean => terms.length > 0 && terms.every((term) => termMeans(term, group, namespaceLabels));

/** A term of this pod, with a test of groups that remembers its answers. */
const towards = (terms: readonly AffinityTerm[], namespaceLabels: NamespaceLabels) =>
  terms.map(({ topologyKey, weight, ...rest }) => ({ topologyKey, weight, means: remembering((group: PodGroup) => termMeans({ topologyKey, weight, ...rest }, group, namespaceLabels)) }));

function filterOf(info: PodInfo, cluster: ClusterView): PodFilter | undefined {
  const { group: ownGroup, terms: { requiredAffinity, requiredAntiAffinity } } = info;
  const { namespaceLabels } = cluster;
  const [near, apart, existing] = [new TopologyCounts(), new TopologyCounts(), new TopologyCounts()];
  const wanted = remembering((group: PodGroup) => meansAll(requiredAffinity, group, namespaceLabels));
  const unwelcome = towards(requiredAntiAffinity, namespaceLabels);
  const meansThis = remembering((term: AffinityTerm) => termMeans(term, ownGroup, namespaceLabels));

  const countOwn = (group: PodGroup, node: NodeInfo, count: number): void => {
    if (wanted(group)) for (const { topologyKey } of requiredAffinity) near.add(node, topologyKey, count);
    for (const { topologyKey, means } of unwelcome) if (means(group)) apart.add(node, topologyKey, count);
  };
  const countTheirs = (other: PodInfo, node: NodeInfo, sign: 1 | -1): void => {
    for (const term of other.terms.requiredAntiAffinity) if (meansThis(term)) existing.add(node, term.topologyKey, sign);
  };
  for (const node of cluster.nodesWithRequiredAntiAffinity) for (const other of node.podsWithRequiredAntiAffinity.values()) countTheirs(other, node, 1);
  const hasOwn = requiredAffinity.length + requiredAntiAffinity.length > 0;
  if (hasOwn) for (const node of cluster.nodes) for (const [group, count] of node.groups) countOwn(group, node, count);
  if (!hasOwn && existing.empty) return undefined;

  const isNear = (node: NodeInfo): boolean => {
    let all = true;
    for (const { topologyKey } of requiredAffinity) {
      if (!Object.hasOwn(node.labels, topologyKey)) return false;
      if (near.at(node, topologyKey) <= 0) all = false;
    }
    // The first of a group that wants to be near itself may go anywhere.
    return all || (near.empty && meansAll(requiredAffinity, ownGroup, namespaceLabels));
  };
  const change = (sign: 1 | -1) => (other: PodInfo, node: NodeInfo): void => {
    countTheirs(other, node, sign);
    countOwn(other.group, node, sign);
  };
  return {
    check(node) {
      if (!isNear(node)) return notNear;
      if (requiredAntiAffinity.some(({ topologyKey }) => apart.at(node, topologyKey) > 0)) return tooNear;
      return existing.anyAt(node) ? unwanted : undefined;
    },
    add: change(1),
    remove: change(-1),
  };
}

function scorerOf({ group: ownGroup, terms: { preferredAffinity, preferredAntiAffinity } }: PodInfo, cluster: ClusterView): PodScorer | undefined {
  const { namespaceLabels } = cluster;
  const sums = new TopologyCounts();
  const own = [...towards(preferredAffinity, namespaceLabels), ...towards(preferredAntiAffinity, namespaceLabels).map((term) => ({ ...term, weight: -term.weight }))];
  const meansThis = remembering((term: AffinityTerm) => termMeans(term, ownGroup, namespaceLabels));
  const theirs = ({ terms }: PodInfo, node: NodeInfo): void => {
    for (const term of terms.requiredAffinity) if (meansThis(term)) sums.add(node, term.topologyKey, requiredAffinityWeight);
    for (const term of terms.preferredAffinity) if (meansThis(term)) sums.add(node, term.topologyKey, term.weight);
    for (const term of terms.preferredAntiAffinity) if (meansThis(term)) sums.add(node, term.topologyKey, -term.weight);
  };
  if (own.length > 0) {
    for (const node of cluster.nodes) for (const [group, count] of node.groups) for (const { topologyKey, weight, means } of own) if (means(group)) sums.add(node, topologyKey, weight * count);
  }
  for (const node of cluster.nodesWithAffinity) for (const other of node.podsWithAffinity.values()) theirs(other, node);
  if (sums.empty) return undefined;
  return {
    score: (node) => sums.sum(node),
    normalize(scores) {
      const [min, max] = [Math.min(...scores), Math.max(...scores)];
      for (const [index, score] of scores.entries()) scores[index] = max > min ? Math.trunc((scoreMax * (score - min)) / (max - min)) : 0;
    },
  };
}

/** Affinity and anti-affinity between pods, in both directions. */
export const interPodAffinity: Plugin = {
  name,
  weight: 2,
  filter: filterOf,
  scorer: scorerOf,

  mayHelp(event, { pod, terms: { requiredAffinity, requiredAntiAffinity } }) {
    if (event.resource === "Namespace") return true;
    if (event.resource === "Node") {
      if (!event.next) return false;
      if (!event.previous) return true;
      const [before, after] = [event.previous.metadata.labels, event.next.metadata.labels];
      return [...requiredAffinity, ...requiredAntiAffinity].some(({ topologyKey }) => before?.[topologyKey] !== after?.[topologyKey])
        || (requiredAffinity.length === 0 && !equal(before, after));
    }
    if (event.resource !== "AssignedPod") return false;
    // Labels of namespaces are not looked up here: a term that selects by them counts as meaning the pod, which costs one attempt at most.
    const means = (term: AffinityTerm, other: Pod): boolean => termMeans({ ...term, namespaces: new Set([other.metadata.namespace ?? ""]) }, podGroupOf(other), () => ({}));
    const { previous, next } = event;
    if (next && requiredAffinity.some((term) => means(term, next)) && !(previous && requiredAffinity.every((term) => means(term, previous)))) return true;
    const left = previous && (next === undefined || !equal(previous.metadata.labels, next.metadata.labels)) ? previous : undefined;
    if (!left) return false;
    return requiredAntiAffinity.some((term) => means(term, left)) || affinityTerms(left).requiredAntiAffinity.some((term) => means(term, pod));
  },
};
