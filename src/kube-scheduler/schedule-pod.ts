import type { NodeInfo } from "./cache/node-info.ts";
import type { Diagnosis } from "./framework/diagnosis.ts";
import { isRejection, rejection, type ClusterView, type Plugin, type PodFilter, type Rejection } from "./framework/plugin.ts";
import type { PodInfo } from "./framework/pod-info.ts";

/** Below this many nodes all of them are looked at. */
const feasibleNodesMin = 100;
const percentageMin = 5;

/** How many feasible nodes are enough to choose from: half of a small cluster, less of a large one, never under 5 %. A percentage other than 0 is fixed. */
export function feasibleNodesWanted(nodeCount: number, percentage = 0): number {
  if (nodeCount < feasibleNodesMin) return nodeCount;
  const share = percentage > 0 ? percentage : Math.max(percentageMin, 50 - Math.trunc(nodeCount / 125));
  return Math.max(feasibleNodesMin, Math.trunc((nodeCount * share) / 100));
}

export interface PluginScore { readonly plugin: string; /** 0 to 100, times the plugin's weight. */ readonly score: number }
export interface ScoredNode { readonly node: NodeInfo; readonly total: number; readonly scores: readonly PluginScore[] }

export interface Choice {
  readonly node: NodeInfo;
  readonly feasible: readonly NodeInfo[];
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Best first; empty when there was only one node to choose. */
  readonly scored: readonly ScoredNode[];
}

/** A pod that is promised room on a node where others are still being removed for it. */
export type NominatedPods = (node: string) => readonly PodInfo[];

export interface Attempt {
  readonly pod: PodInfo;
  readonly cluster: ClusterView;
  readonly plugins: readonly Plugin[];
  readonly nominated: NominatedPods;
  /** Where in the list of nodes to begin, so that over time all nodes get their turn. */
  readonly start: number;
  readonly percentage?: number;
  readonly random: () => number;
}

export type Filters = readonly PodFilter[];

/** The filters of all plugins for this pod, or why no node will do. */
export function filtersFor(pod: PodInfo, cluster: ClusterView, plugins: readonly Plugin[]): Filters | Rejection {
  const filters: PodFilter[] = [];
  for (const plugin of plugins) {
    const filter = plugin.filter?.(pod, cluster);
    if (isRejection(filter)) return filter;
    if (filter) filters.push(filter);
  }
  return filters;
}

/** Does the pod fit, both with the pods nominated to this node (of its own priority and above) and without them? */
export function checkNode(filters: Filters, pod: PodInfo, node: NodeInfo, nominated: NominatedPods): Rejection | undefined {
  const promised = nominated(node.name).filter((other) => other.priority >= pod.priority && other.uid !== pod.uid);
  if (promised.length > 0) {
    const rejected = withPods(promised, filters, node, () => run(filters, node));
    if (rejected) return rejected;
  }
  return run(filters, node);
}

function run(filters: Filters, node: NodeInfo): Rejection | undefined {
  for (const filter of filters) {
    const rejected = filter.check(node);
    if (rejected) return rejected;
  }
  return undefined;
}

function withPods<T>(pods: readonly PodInfo[], filters: Filters, node: NodeInfo, work: () => T): T {
  for (const pod of pods) {
    node.add(pod);
    for (const filter of filters) filter.add?.(pod, node);
  }
  try {
    return work();
  } finally {
    for (const pod of pods) {
      node.remove(pod.uid);
      for (const filter of filters) filter.remove?.(pod, node);
    }
  }
}

/** Chooses a node, or says why there is none. Reads the cluster and changes nothing. */
export function schedulePod(attempt: Attempt): Choice | Diagnosis {
  const { pod, cluster, plugins, nominated, percentage } = attempt;
  const nodeCount = cluster.nodes.length;
  const filters = filtersFor(pod, cluster, plugins);
  if ("reasons" in filters) return { nodeCount, rejections: new Map(), refused: filters, plugins: new Set([filters.plugin]) };

  const promisedNode = cluster.node(pod.pod.status?.nominatedNodeName ?? "");
  if (promisedNode && !checkNode(filters, pod, promisedNode, nominated)) return { node: promisedNode, feasible: [promisedNode], rejections: new Map(), scored: [] };

  const restricting = filters.filter(({ only }) => only !== undefined);
  const candidates = restricting.length === 0 ? cluster.nodes : nodesNamed(restricting, cluster);
  const wanted = feasibleNodesWanted(candidates.length, percentage);
  const feasible: NodeInfo[] = [];
  const rejections = new Map<string, Rejection>();
  for (let i = 0; i < candidates.length && feasible.length < wanted; i++) {
    const node = candidates[(attempt.start + i) % candidates.length];
    if (!node) continue;
    const rejected = checkNode(filters, pod, node, nominated);
    if (rejected) rejections.set(node.name, rejected);
    else feasible.push(node);
  }

  const [only] = feasible;
  if (!only) {
    const rejecting = new Set([...rejections.values()].map(({ plugin }) => plugin));
    if (restricting.length === 0) return { nodeCount, rejections, plugins: rejecting };
    rejecting.add("NodeAffinity");
    return { nodeCount, rejections, plugins: rejecting, others: rejection("NodeAffinity", "unresolvable", "node(s) didn't satisfy plugin(s) [NodeAffinity]") };
  }
  if (feasible.length === 1) return { node: only, feasible, rejections, scored: [] };
  const scored = scoreNodes(attempt, feasible);
  return { node: best(scored, attempt.random) ?? only, feasible, rejections, scored };
}

function nodesNamed(filters: Filters, cluster: ClusterView): NodeInfo[] {
  const names = filters.map(({ only }) => only).filter((only) => only !== undefined).reduce((both, only) => both.intersection(only));
  return [...names].map((name) => cluster.node(name)).filter((node) => node !== undefined);
}

function scoreNodes({ pod, cluster, plugins }: Attempt, nodes: readonly NodeInfo[]): ScoredNode[] {
  const totals = nodes.map(() => 0);
  const parts: { readonly plugin: string; readonly weight: number; readonly scores: readonly number[] }[] = [];
  for (const { name, weight = 1, scorer } of plugins) {
    const own = scorer?.(pod, cluster, nodes);
    if (!own) continue;
    const scores = nodes.map((node) => own.score(node));
    own.normalize?.(scores, nodes);
    for (const [index, score] of scores.entries()) totals[index] = (totals[index] ?? 0) + weight * score;
    parts.push({ plugin: name, weight, scores });
  }
  return nodes.map((node, index) => ({
    node, total: totals[index] ?? 0,
    get scores() {
      return parts.map(({ plugin, weight, scores }) => ({ plugin, score: weight * (scores[index] ?? 0) }));
    },
  }));
}

/** One of those with the highest total, each as likely as the others. */
function best(scored: readonly ScoredNode[], random: () => number): NodeInfo | undefined {
  let [chosen, seen]: [ScoredNode | undefined, number] = [undefined, 0];
  for (const each of scored) {
    if (!chosen || each.total > chosen.total) [chosen, seen] = [each, 1];
    else if (each.total === chosen.total && random() * ++seen < 1) chosen = each;
  }
  return chosen?.node;
}
