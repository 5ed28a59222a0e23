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

export interface PluginScores {
  readonly plugin: string;
  /** 0 to 100 per node, times the plugin's weight. */
  readonly scores: readonly number[];
}
/** What each node got, by its place in `nodes`. */
export interface Scoring {
  readonly nodes: readonly NodeInfo[];
  readonly totals: readonly number[];
  readonly plugins: readonly PluginScores[];
}

export interface Choice {
  readonly node: NodeInfo;
  readonly feasible: readonly NodeInfo[];
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Absent when there was only one node to choose. */
  readonly scoring?: Scoring;
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
  if (promisedNode && !checkNode(filters, pod, promisedNode, nominated)) return { node: promisedNode, feasible: [promisedNode], rejections: new Map() };

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
  if (feasible.length === 1) return { node: only, feasible, rejections };
  const scoring = scoreNodes(attempt, feasible);
  return { node: best(scoring, attempt.random) ?? only, feasible, rejections, scoring };
}

function nodesNamed(filters: Filters, cluster: ClusterView): NodeInfo[] {
  const names = filters.map(({ only }) => only).filter((only) => only !== undefined).reduce((both, only) => both.intersection(only));
  return [...names].map((name) => cluster.node(name)).filter((node) => node !== undefined);
}

function scoreNodes({ pod, cluster, plugins }: Attempt, nodes: readonly NodeInfo[]): Scoring {
  const totals = nodes.map(() => 0);
  const parts: PluginScores[] = [];
  for (const plugin of plugins) {
    const own = plugin.scorer?.(pod, cluster, nodes);
    if (!own) continue;
    const { name, weight = 1 } = plugin;
    const scores = nodes.map((node) => own.score(node));
    own.normalize?.(scores, nodes);
    for (let i = 0; i < scores.length; i++) {
      const weighted = weight * (scores[i] ?? 0);
      scores[i] = weighted;
      totals[i] = (totals[i] ?? 0) + weighted;
    }
    parts.push({ plugin: name, scores });
  }
  return { nodes, totals, plugins: parts };
}

/** One of those with the highest total, each as likely as the others. */
function best({ nodes, totals }: Scoring, random: () => number): NodeInfo | undefined {
  let [chosen, highest, seen] = [-1, -Infinity, 0];
  for (let i = 0; i < totals.length; i++) {
    const total = totals[i] ?? 0;
    if (total > highest) [chosen, highest, seen] = [i, total, 1];
    else if (total === highest && random() * ++seen < 1) chosen = i;
  }
  return nodes[chosen];
}
