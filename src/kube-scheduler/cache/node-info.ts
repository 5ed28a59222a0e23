import type { Node } from "../../api/generated/core-v1.ts";
import { HostPorts } from "../framework/host-ports.ts";
import type { PodGroup } from "../framework/pod-group.ts";
import { hasAffinity, type PodInfo } from "../framework/pod-info.ts";
import { amountsOf, type Amounts } from "../framework/resources.ts";

/** A node with the sums over its pods, kept current pod by pod, so that a filter never walks over them. */
export class NodeInfo {
  readonly name: string;
  #node: Node | undefined;
  #allocatable: Amounts = {};
  #images: ReadonlyMap<string, number> = new Map();
  readonly #pods = new Map<string, PodInfo>();
  readonly #groups = new Map<PodGroup, number>();
  readonly #withAffinity = new Map<string, PodInfo>();
  readonly #withRequiredAntiAffinity = new Map<string, PodInfo>();
  readonly #requested: Record<string, number> = { cpu: 0, memory: 0, "ephemeral-storage": 0 };
  /** With upstream's assumptions for containers without requests. */
  assumedMilliCpu = 0;
  assumedMemory = 0;
  readonly usedPorts = new HostPorts();

  constructor(name: string) {
    this.name = name;
  }

  /** Undefined while pods are known to be here and the node itself is not. */
  get node(): Node | undefined {
    return this.#node;
  }
  get labels(): Readonly<Record<string, string>> {
    return this.#node?.metadata.labels ?? {};
  }
  get allocatable(): Amounts {
    return this.#allocatable;
  }
  get requested(): Amounts {
    return this.#requested;
  }
  /** Bytes of each image that the node holds, by all of its names. */
  get images(): ReadonlyMap<string, number> {
    return this.#images;
  }
  get podCount(): number {
    return this.#pods.size;
  }
  get pods(): Iterable<PodInfo> {
    return this.#pods.values();
  }
  /** How many pods of each group are here. */
  get groups(): ReadonlyMap<PodGroup, number> {
    return this.#groups;
  }
  get podsWithAffinity(): ReadonlyMap<string, PodInfo> {
    return this.#withAffinity;
  }
  get podsWithRequiredAntiAffinity(): ReadonlyMap<string, PodInfo> {
    return this.#withRequiredAntiAffinity;
  }

  setNode(node: Node | undefined): void {
    this.#node = node;
    this.#allocatable = amountsOf(node?.status?.allocatable);
    this.#images = new Map((node?.status?.images ?? []).flatMap(({ names, sizeBytes = 0 }) => (names ?? []).map((name) => [name, sizeBytes] as const)));
  }

  add(pod: PodInfo): void {
    this.#pods.set(pod.uid, pod);
    if (hasAffinity(pod)) this.#withAffinity.set(pod.uid, pod);
    if (pod.terms.requiredAntiAffinity.length > 0) this.#withRequiredAntiAffinity.set(pod.uid, pod);
    this.#account(pod, 1);
    for (const port of pod.hostPorts) this.usedPorts.add(port);
  }

  remove(uid: string): PodInfo | undefined {
    const pod = this.#pods.get(uid);
    if (!pod) return undefined;
    this.#pods.delete(uid);
    this.#withAffinity.delete(uid);
    this.#withRequiredAntiAffinity.delete(uid);
    this.#account(pod, -1);
    for (const port of pod.hostPorts) this.usedPorts.remove(port);
    return pod;
  }

  #account({ requests, assumedRequests, group }: PodInfo, sign: 1 | -1): void {
    const count = (this.#groups.get(group) ?? 0) + sign;
    if (count > 0) this.#groups.set(group, count);
    else this.#groups.delete(group);
    for (const resource in requests) this.#requested[resource] = (this.#requested[resource] ?? 0) + sign * (requests[resource] ?? 0);
    this.assumedMilliCpu += sign * (assumedRequests["cpu"] ?? 0);
    this.assumedMemory += sign * (assumedRequests["memory"] ?? 0);
  }
}
