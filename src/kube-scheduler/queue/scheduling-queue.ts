import { DelayQueue } from "../../client/delay-queue.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { ClusterEvent, Plugin } from "../framework/plugin.ts";
import type { PodInfo } from "../framework/pod-info.ts";
import { Heap } from "./heap.ts";

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly plugins: readonly Plugin[];
  /** Told whenever a pod gets to another place of the queue, and why. */
  readonly moved?: (pod: PodInfo, place: Place, cause: string) => void;
}

/**
 * "active": next to be scheduled. "backoff": has to wait after a failure. "unschedulable": waits for an event that may help. "gated": waits for a
 * change of its own. "out": being scheduled.
 */
export type Place = "active" | "backoff" | "unschedulable" | "gated" | "out";

/** A pod in the queue; belongs to the queue, others only read it. */
export interface QueuedPod {
  readonly info: PodInfo;
  readonly attempts: number;
  readonly addedMs: number;
}

interface Item extends QueuedPod {
  info: PodInfo;
  attempts: number;
  place: Place;
  /** Grows with every move; entries of heaps with an older one are leftovers. */
  ticket: number;
  order: number;
  rejectedBy: ReadonlySet<string>;
  failedMs: number;
  backoffUntilMs: number;
  /** The failure was not the pod's: waiting out the time spares the API server. */
  afterError: boolean;
}
interface Entry { readonly item: Item; readonly ticket: number }

const backoffMs = 1000;
const backoffMsMax = 10_000;
/** A safety net, should an event have been missed or misjudged. */
const unschedulableMsMax = 5 * 60_000;

/**
 * Pods that wait for a node: by priority, then first come, first served. A pod that found none is brought back by the first event that its
 * rejecting plugins think may help; nothing is polled. While nothing else is to do, pods that are backing off are tried early.
 */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #plugins: ReadonlyMap<string, Plugin>;
  readonly #moved: SchedulingQueueOptions["moved"];
  readonly #items = new Map<string, Item>();
  readonly #unschedulable = new Set<Item>();
  readonly #active = new Heap<Entry>(({ item: a }, { item: b }) => a.info.priority > b.info.priority || (a.info.priority === b.info.priority && a.order < b.order));
  readonly #backoff = new Heap<Entry>(({ item: a }, { item: b }) => a.backoffUntilMs < b.backoffUntilMs || (a.backoffUntilMs === b.backoffUntilMs && a.info.priority > b.info.priority));
  readonly #backoffEnds: DelayQueue;
  readonly #flushes: DelayQueue;
  #order = 0;
  #wake = Promise.withResolvers<void>();

  constructor({ clock, signal, plugins, moved }: SchedulingQueueOptions) {
    this.#clock = clock;
    this.#moved = moved;
    this.#plugins = new Map(plugins.map((plugin) => [plugin.name, plugin]));
    this.#backoffEnds = new DelayQueue({ clock, signal, due: (uid) => this.#due(uid, "backoff", "backoff ended") });
    this.#flushes = new DelayQueue({ clock, signal, due: (uid) => this.#due(uid, "unschedulable", "waited for too long") });
    signal.addEventListener("abort", () => this.#wake.resolve(), { once: true });
  }

  /** How many pods are in each place. */
  get sizes(): Readonly<Record<Place, number>> {
    const sizes = { active: 0, backoff: 0, unschedulable: 0, gated: 0, out: 0 };
    for (const { place } of this.#items.values()) sizes[place]++;
    return sizes;
  }

  has(uid: string): boolean {
    return this.#items.has(uid);
  }

  /** A new pod, or a new version of one. `changed`: something that counts for scheduling, so that it is worth another try. */
  put(info: PodInfo, changed: boolean): void {
    const known = this.#items.get(info.uid);
    if (!known) {
      const item: Item = {
        info, attempts: 0, addedMs: this.#clock.now(), place: "out", ticket: 0, order: this.#order++, rejectedBy: new Set(), failedMs: 0, backoffUntilMs: 0, afterError: false,
      };
      this.#items.set(info.uid, item);
      return this.#admit(item, "pod was added");
    }
    const reprioritized = known.info.priority !== info.priority;
    known.info = info;
    if (known.place === "active" && reprioritized) return this.#move(known, "active", "its priority changed");
    if (changed && (known.place === "unschedulable" || known.place === "gated")) this.#admit(known, "pod was updated");
  }

  delete(uid: string): void {
    const item = this.#items.get(uid);
    if (!item) return;
    this.#leave(item);
    item.place = "out";
    this.#items.delete(uid);
  }

  /** The next pod to schedule. It stays known to the queue until `delete` (it has a node, or is gone) or `failed`. */
  pop(): QueuedPod | undefined {
    const item = this.#first(this.#active, "active") ?? this.#first(this.#backoff, "backoff");
    if (!item) return undefined;
    this.#leave(item);
    item.place = "out";
    item.attempts++;
    return item;
  }

  /** There may be something to pop; leftovers of pods that moved on count too. */
  get isReady(): boolean {
    return this.#active.size > 0 || this.#backoff.size > 0;
  }

  /** Resolves when `pop` may have something again, and when the queue ends. */
  whenReady(): Promise<void> {
    return this.#wake.promise;
  }

  /** No node was found: the pod waits for an event that one of these plugins thinks may help (of any kind when there are none). */
  unschedulable(pod: QueuedPod, rejectedBy: ReadonlySet<string>): void {
    const item = this.#items.get(pod.info.uid);
    if (!item || item !== pod) return;
    this.#backOff(item, false);
    item.rejectedBy = rejectedBy;
    this.#move(item, "unschedulable", "no node was found");
  }

  /** Something went wrong that has nothing to do with nodes: it is tried again after a while. */
  failed(pod: QueuedPod): void {
    const item = this.#items.get(pod.info.uid);
    if (!item || item !== pod) return;
    this.#backOff(item, true);
    this.#move(item, "backoff", "an error happened");
  }

  /** Brings back whom the event may help. */
  happened(event: ClusterEvent): void {
    if (this.#unschedulable.size === 0) return;
    for (const item of this.#unschedulable) {
      if (item.rejectedBy.size > 0 && !item.rejectedBy.values().some((name) => this.#plugins.get(name)?.mayHelp?.(event, item.info) ?? false)) continue;
      this.#admit(item, `${event.resource} ${event.previous === undefined ? "was added" : event.next === undefined ? "is gone" : "changed"}`);
    }
  }

  /** Brings a waiting pod back, whatever rejected it. */
  activate(uid: string, cause: string): void {
    const item = this.#items.get(uid);
    if (item?.place === "unschedulable") this.#admit(item, cause);
  }

  #due(uid: string, place: Place, cause: string): void {
    const item = this.#items.get(uid);
    if (item?.place === place) this.#move(item, "active", cause);
  }

  #backOff(item: Item, afterError: boolean): void {
    item.failedMs = this.#clock.now();
    item.afterError = afterError;
    item.backoffUntilMs = item.failedMs + Math.min(backoffMs * 2 ** Math.min(item.attempts - 1, 20), backoffMsMax);
  }

  #admit(item: Item, cause: string): void {
    for (const plugin of this.#plugins.values()) {
      const waitingFor = plugin.gate?.(item.info);
      if (waitingFor !== undefined) return this.#move(item, "gated", waitingFor);
    }
    this.#move(item, this.#clock.now() < item.backoffUntilMs ? "backoff" : "active", cause);
  }

  #move(item: Item, place: Place, cause: string): void {
    this.#leave(item);
    item.place = place;
    const entry = { item, ticket: item.ticket };
    if (place === "active") this.#active.push(entry);
    else if (place === "backoff") {
      this.#backoffEnds.add(item.info.uid, Math.max(0, item.backoffUntilMs - this.#clock.now()));
      if (!item.afterError) this.#backoff.push(entry);
    } else if (place === "unschedulable") {
      this.#unschedulable.add(item);
      this.#flushes.add(item.info.uid, unschedulableMsMax);
    }
    this.#moved?.(item.info, place, cause);
    if (place === "active" || place === "backoff") {
      this.#wake.resolve();
      this.#wake = Promise.withResolvers<void>();
    }
  }

  #leave(item: Item): void {
    item.ticket++;
    if (item.place === "backoff") this.#backoffEnds.delete(item.info.uid);
    if (item.place === "unschedulable") {
      this.#unschedulable.delete(item);
      this.#flushes.delete(item.info.uid);
    }
  }

  #first(heap: Heap<Entry>, place: Place): Item | undefined {
    for (let entry = heap.pop(); entry; entry = heap.pop()) {
      if (entry.ticket === entry.item.ticket && entry.item.place === place) return entry.item;
    }
    return undefined;
  }
}
