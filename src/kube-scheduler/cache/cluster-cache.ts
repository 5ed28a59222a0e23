import type { Node } from "../../api/generated/core-v1.ts";
import type { ClusterView } from "../framework/plugin.ts";
import type { PodInfo } from "../framework/pod-info.ts";
import { NodeInfo } from "./node-info.ts";
import type { Surroundings } from "./surroundings.ts";

const zoneOf = ({ labels }: NodeInfo): string => `${labels["topology.kubernetes.io/region"] ?? ""}/${labels["topology.kubernetes.io/zone"] ?? ""}`;

/**
 * Nodes and the pods on them, as the watches tell, plus the pods that this scheduler has just assigned and that the watch has not confirmed yet.
 * Scheduling one pod is synchronous, so the cache itself is its snapshot: nothing is copied.
 */
export class ClusterCache implements ClusterView {
  readonly namespaceLabels: Surroundings["namespaceLabels"];
  readonly siblingsOf: Surroundings["siblingsOf"];
  readonly #nodes = new Map<string, NodeInfo>();
  /** Where each known pod is. */
  readonly #placed = new Map<string, { readonly node: string; readonly assumed: boolean }>();
  readonly #withAffinity = new Set<NodeInfo>();
  readonly #withRequiredAntiAffinity = new Set<NodeInfo>();
  readonly #imageNodes = new Map<string, number>();
  #ordered: readonly NodeInfo[] | undefined;

  constructor({ namespaceLabels, siblingsOf }: Surroundings) {
    this.namespaceLabels = namespaceLabels;
    this.siblingsOf = siblingsOf;
  }

  /** Nodes that exist, their zones taking turns, so that any stretch of the list is spread. */
  get nodes(): readonly NodeInfo[] {
    return (this.#ordered ??= this.#order());
  }
  get nodesWithAffinity(): Iterable<NodeInfo> {
    return this.#withAffinity;
  }
  get nodesWithRequiredAntiAffinity(): Iterable<NodeInfo> {
    return this.#withRequiredAntiAffinity;
  }

  node(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.node ? info : undefined;
  }

  nodesWithImage(image: string): number {
    return this.#imageNodes.get(image) ?? 0;
  }

  setNode(node: Node): void {
    const info = this.#nodeNamed(node.metadata.name ?? "");
    const [existed, zone] = [info.node !== undefined, zoneOf(info)];
    this.#countImages(info, -1);
    info.setNode(node);
    this.#countImages(info, 1);
    if (!existed || zone !== zoneOf(info)) this.#ordered = undefined;
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info?.node) return;
    this.#countImages(info, -1);
    info.setNode(undefined);
    this.#ordered = undefined;
    this.#dropWhenEmpty(info);
  }

  /** A pod that the API says is on this node; replaces what was known or assumed of it. */
  setPod(pod: PodInfo, node: string): void {
    this.removePod(pod.uid);
    this.#place(pod, node, false);
  }

  /** A pod that is on its way to this node. */
  assume(pod: PodInfo, node: string): void {
    this.removePod(pod.uid);
    this.#place(pod, node, true);
  }

  isAssumed(uid: string): boolean {
    return this.#placed.get(uid)?.assumed === true;
  }
  has(uid: string): boolean {
    return this.#placed.has(uid);
  }

  /** Takes an assumption back. What the API has confirmed stays. */
  forget(uid: string): void {
    if (this.isAssumed(uid)) this.removePod(uid);
  }

  removePod(uid: string): void {
    const placed = this.#placed.get(uid);
    const info = placed && this.#nodes.get(placed.node);
    if (!info) return;
    this.#placed.delete(uid);
    info.remove(uid);
    this.#noteAffinity(info);
    this.#dropWhenEmpty(info);
  }

  #place(pod: PodInfo, node: string, assumed: boolean): void {
    const info = this.#nodeNamed(node);
    info.add(pod);
    this.#placed.set(pod.uid, { node, assumed });
    this.#noteAffinity(info);
  }

  #noteAffinity(info: NodeInfo): void {
    if (info.podsWithAffinity.size > 0) this.#withAffinity.add(info);
    else this.#withAffinity.delete(info);
    if (info.podsWithRequiredAntiAffinity.size > 0) this.#withRequiredAntiAffinity.add(info);
    else this.#withRequiredAntiAffinity.delete(info);
  }

  #nodeNamed(name: string): NodeInfo {
    const known = this.#nodes.get(name);
    if (known) return known;
    const info = new NodeInfo(name);
    this.#nodes.set(name, info);
    return info;
  }

  #dropWhenEmpty(info: NodeInfo): void {
    if (!info.node && info.podCount === 0) this.#nodes.delete(info.name);
  }

  #countImages(info: NodeInfo, sign: 1 | -1): void {
    for (const image of info.images.keys()) {
      const count = (this.#imageNodes.get(image) ?? 0) + sign;
      if (count > 0) this.#imageNodes.set(image, count);
      else this.#imageNodes.delete(image);
    }
  }

  #order(): readonly NodeInfo[] {
    const zones = Map.groupBy(this.#nodes.values().filter(({ node }) => node !== undefined), zoneOf);
    const lists = [...zones.values()];
    const longest = Math.max(0, ...lists.map(({ length }) => length));
    return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list[index] ?? [])).flat();
  }
}
