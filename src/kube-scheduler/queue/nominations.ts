import type { PodInfo } from "../framework/pod-info.ts";

const none: readonly PodInfo[] = [];

/** Pods that have been promised room on a node where others are still being removed for them. */
export class Nominations {
  readonly #byNode = new Map<string, readonly PodInfo[]>();
  readonly #nodes = new Map<string, string>();

  readonly on = (node: string): readonly PodInfo[] => this.#byNode.get(node) ?? none;

  nodeOf(uid: string): string | undefined {
    return this.#nodes.get(uid);
  }

  /** An empty node name takes the promise back. */
  set(pod: PodInfo, node: string): void {
    this.delete(pod.uid);
    if (node === "") return;
    this.#nodes.set(pod.uid, node);
    this.#byNode.set(node, [...this.on(node), pod]);
  }

  delete(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    const others = this.on(node).filter((pod) => pod.uid !== uid);
    if (others.length > 0) this.#byNode.set(node, others);
    else this.#byNode.delete(node);
  }
}
