import type { Namespace, Node, Pod, Service } from "../../api/generated/core-v1.ts";
import type { LabelMatcher } from "../../apimachinery/label-selector.ts";
import type { NodeInfo } from "../cache/node-info.ts";
import type { NamespaceLabels } from "./affinity-terms.ts";
import type { PodInfo } from "./pod-info.ts";

/** Why a pod may not go to a node. */
export interface Rejection {
  readonly plugin: string;
  /** "unresolvable": removing pods from the node would not help, so preemption does not look at it. */
  readonly code: "unschedulable" | "unresolvable";
  readonly reasons: readonly string[];
}
export const rejection = (plugin: string, code: Rejection["code"], ...reasons: string[]): Rejection => ({ plugin, code, reasons });

/** What plugins may know of the cluster. It does not change while one pod is being scheduled. */
export interface ClusterView {
  /** Nodes that exist, ordered so that neighbours are in different zones. */
  readonly nodes: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  readonly nodesWithAffinity: Iterable<NodeInfo>;
  readonly nodesWithRequiredAntiAffinity: Iterable<NodeInfo>;
  /** How many nodes hold an image of this name. */
  nodesWithImage(image: string): number;
  readonly namespaceLabels: NamespaceLabels;
  /** Selects the pods that belong together with this one: of its Services and of what controls it. Undefined when there are none. */
  siblingsOf(pod: Pod): LabelMatcher | undefined;
}

/** A filter made for one pod. `add` and `remove` tell it of pods that are thought to come to or leave a node, as nominations and preemption do. */
export interface PodFilter {
  /** Only these nodes come into question. */
  readonly only?: ReadonlySet<string>;
  check(node: NodeInfo): Rejection | undefined;
  add?(pod: PodInfo, node: NodeInfo): void;
  remove?(pod: PodInfo, node: NodeInfo): void;
}

/** A score made for one pod: the raw score of each node, and how raw scores become 0 to 100. */
export interface PodScorer {
  score(node: NodeInfo): number;
  normalize?(scores: number[], nodes: readonly NodeInfo[]): void;
}

/** Something that happened and may make a pod schedulable. Without `previous` it was added, without `next` it is gone. */
export type ClusterEvent =
  | { readonly resource: "Node"; readonly previous: Node | undefined; readonly next: Node | undefined }
  /** A pod that is, was or gets assigned to a node. */
  | { readonly resource: "AssignedPod"; readonly previous: Pod | undefined; readonly next: Pod | undefined }
  | { readonly resource: "Namespace"; readonly previous: Namespace | undefined; readonly next: Namespace | undefined }
  | { readonly resource: "Service"; readonly previous: Service | undefined; readonly next: Service | undefined };

export const scoreMax = 100;

export interface Plugin {
  readonly name: string;
  /** Keeps a pod out of the queue until it changes; the text says what it waits for. */
  gate?(pod: PodInfo): string | undefined;
  /** Once per attempt. Undefined: this plugin has nothing against any node; a rejection: no node will do. */
  filter?(pod: PodInfo, cluster: ClusterView): PodFilter | Rejection | undefined;
  /** Once per attempt that has more than one node to choose from. Undefined: all nodes are alike. */
  scorer?(pod: PodInfo, cluster: ClusterView, nodes: readonly NodeInfo[]): PodScorer | undefined;
  /** How much its score counts; only with `scorer`. */
  readonly weight?: number;
  /** May the event make a pod schedulable that this plugin has rejected? */
  mayHelp?(event: ClusterEvent, pod: PodInfo): boolean;
}

export const isRejection = (answer: PodFilter | Rejection | undefined): answer is Rejection => answer !== undefined && "reasons" in answer;

/** The highest raw score becomes 100, others in proportion; reversed, it becomes 0. Whole numbers, rounded down, as upstream. */
export function normalizeByMax(scores: number[], { reverse = false } = {}): void {
  const max = Math.max(0, ...scores);
  for (const [index, score] of scores.entries()) {
    const share = max === 0 ? 0 : Math.trunc((scoreMax * score) / max);
    scores[index] = reverse ? scoreMax - share : share;
  }
}
