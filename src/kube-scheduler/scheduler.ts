import { setImmediate as nextTurn } from "node:timers/promises";
import { namespaces, nodes, pods, services, type Node, type Pod } from "../api/generated/core-v1.ts";
import { poddisruptionbudgets } from "../api/generated/policy-v1.ts";
import type { ResourceType } from "../apimachinery/object.ts";
import { isNotFound } from "../apimachinery/status-error.ts";
import type { Change } from "../client/cache.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import type { Informers } from "../client/informers.ts";
import { race } from "../stdx/abort.ts";
import type { Clock } from "../stdx/clock.ts";
import { equal } from "../stdx/equal.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import type { Tracer } from "../stdx/steps.ts";
import { ClusterCache } from "./cache/cluster-cache.ts";
import { surroundingsOf, surroundingTypes } from "./cache/surroundings.ts";
import { diagnosisText, type Diagnosis } from "./framework/diagnosis.ts";
import type { Plugin } from "./framework/plugin.ts";
import { hasEnded, isAssigned, podInfoOf } from "./framework/pod-info.ts";
import { setPodStatus } from "./pod-status.ts";
import { defaultPlugins } from "./plugins/plugins.ts";
import { disruptionBudgets, Preemption } from "./preemption/preemption.ts";
import { Nominations } from "./queue/nominations.ts";
import { SchedulingQueue, type QueuedPod } from "./queue/scheduling-queue.ts";
import { schedulePod, type Choice } from "./schedule-pod.ts";
import { chosenAttributes, filteredAttributes, scoredAttributes } from "./step-attributes.ts";

export interface SchedulerOptions {
  /** Its client writes; its caches are shared with the other components of the process. */
  readonly informers: Informers;
  readonly clock: Clock;
  /** Decides between nodes of the same score. */
  readonly random: Random;
  readonly log: Log;
  /** Records under component "kube-scheduler". */
  readonly tracer: Tracer;
  /** Its component is shown as the source of events: "default-scheduler". */
  readonly events: EventRecorder;
  readonly signal: AbortSignal;
  /** Pods name the scheduler they want. Default: "default-scheduler". */
  readonly schedulerName?: string;
  /** How many of the nodes have to be found feasible before they are scored, in percent; 0 lets the size of the cluster decide. */
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: readonly Plugin[];
}

/** Bindings under way at one time. */
const bindingsMax = 256;
/** How long pods are scheduled before others of this process get their turn. */
const turnMsMax = 4;
const turnPodsMax = 64;
/** Length of an event's note. */
const messageLengthMax = 1024;

/** Finds a node for every pod that has none, until `signal` aborts. */
export async function runScheduler(options: SchedulerOptions): Promise<void> {
  await new Scheduler(options).run();
}

class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #client: Client;
  readonly #plugins: readonly Plugin[];
  readonly #name: string;
  readonly #cluster: ClusterCache;
  readonly #queue: SchedulingQueue;
  readonly #nominations = new Nominations();
  readonly #preemption: Preemption;
  #start = 0;
  #bindings = 0;
  #bindingEnded = Promise.withResolvers<void>();

  constructor(options: SchedulerOptions) {
    const { informers, clock, signal, tracer, random, events, log, schedulerName = "default-scheduler", plugins = defaultPlugins } = options;
    this.#options = options;
    this.#client = informers.client;
    this.#plugins = plugins;
    this.#name = schedulerName;
    this.#cluster = new ClusterCache(surroundingsOf(informers));
    this.#queue = new SchedulingQueue({
      clock, signal, plugins,
      moved: ({ uid }, place, cause) => tracer.mark(uid, place === "gated" ? "held back" : place === "unschedulable" ? "waiting for a change" : "queued", { queue: place, cause }),
    });
    this.#preemption = new Preemption({
      client: this.#client, clock, random: () => random.next(), events, log, signal, plugins, schedulerName, cluster: this.#cluster, nominations: this.#nominations, budgets: disruptionBudgets(informers),
      failed: (uid) => this.#queue.activate(uid, "preemption failed"),
    });
  }

  async run(): Promise<void> {
    const { informers, signal } = this.#options;
    try {
      await Promise.all([nodes, pods, poddisruptionbudgets, ...surroundingTypes].map((type) => informers.of(type as ResourceType).whenSynced(signal)));
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    using listeners = new DisposableStack();
    try {
      // Both may be many: they are told of bit by bit, nodes before the pods on them.
      await race(listeners.use(informers.of(nodes).cache.follow((change) => this.#onNode(change))).told, signal);
      await race(listeners.use(informers.of(pods).cache.follow((change) => this.#onPod(change))).told, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    listeners.use(informers.of(namespaces).cache.onChange(({ previous, next }) => {
      if (!equal(previous?.metadata.labels, next?.metadata.labels)) this.#queue.happened({ resource: "Namespace", previous, next });
    }));
    listeners.use(informers.of(services).cache.onChange(({ previous, next }) => this.#queue.happened({ resource: "Service", previous, next })));
    await this.#work(signal);
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const turnEndsMs = clock.now() + turnMsMax;
      for (let count = 0; count < turnPodsMax && this.#bindings < bindingsMax && clock.now() < turnEndsMs; count++) {
        const pod = this.#queue.pop();
        if (!pod) break;
        this.#scheduleOne(pod);
      }
      if (this.#bindings >= bindingsMax) await this.#bindingEnded.promise;
      else if (!this.#queue.isReady) await this.#queue.whenReady();
      await nextTurn();
    }
  }

  #onNode({ previous, next }: Change<Node>): void {
    if (next) this.#cluster.setNode(next);
    else if (previous) this.#cluster.removeNode(previous.metadata.name ?? "");
    if (!previous || !next || mattersOf(previous, next)) this.#queue.happened({ resource: "Node", previous, next });
  }

  #onPod({ previous, next }: Change<Pod>): void {
    const uid = (next ?? previous)?.metadata.uid ?? "";
    // A name can be taken over by another pod between two looks.
    if (previous && next && previous.metadata.uid !== next.metadata.uid) {
      this.#onPod({ previous, next: undefined });
      return this.#onPod({ previous: undefined, next });
    }
    const [was, is] = [previous && isAssigned(previous) && !hasEnded(previous), next && isAssigned(next) && !hasEnded(next)];
    if (next && is) {
      this.#cluster.setPod(podInfoOf(next), next.spec?.nodeName ?? "");
      this.#queue.delete(uid);
      this.#nominations.delete(uid);
      return this.#queue.happened({ resource: "AssignedPod", previous: was ? previous : undefined, next });
    }
    if (next && !hasEnded(next) && this.#isOurs(next)) {
      const info = podInfoOf(next);
      if (this.#cluster.has(uid)) {
        // On its way to a node; should that fail, the queue goes on with the latest version.
        if (this.#queue.has(uid)) this.#queue.put(info, false);
        return;
      }
      this.#nominations.set(info, next.status?.nominatedNodeName ?? this.#nominations.nodeOf(uid) ?? "");
      return this.#queue.put(info, previous === undefined || !equal(previous.spec, next.spec) || !equal(previous.metadata.labels, next.metadata.labels));
    }
    const freed = this.#cluster.has(uid) || this.#nominations.nodeOf(uid) !== undefined;
    this.#queue.delete(uid);
    this.#nominations.delete(uid);
    this.#cluster.removePod(uid);
    if (previous && (was || freed)) this.#queue.happened({ resource: "AssignedPod", previous, next: undefined });
  }

  #isOurs({ spec }: Pod): boolean {
    return (spec?.schedulerName ?? "default-scheduler") === this.#name;
  }

  #scheduleOne(queued: QueuedPod): void {
    const { info } = queued;
    const { events, tracer } = this.#options;
    if (info.pod.metadata.deletionTimestamp !== undefined) {
      events.event(info.pod, "Warning", "FailedScheduling", `skip schedule deleting pod: ${info.key}`);
      return this.#queue.delete(info.uid);
    }
    if (this.#cluster.nodes.length === 0) return this.#failed(queued, "Unschedulable", "no nodes available to schedule pods", new Set());

    const filtered = tracer.start(info.uid, "filtered nodes");
    const outcome = this.#attempt(queued);
    if (!outcome) return;
    filtered(filteredAttributes(outcome, this.#cluster.nodes.length));
    if (!("node" in outcome)) return this.#noFit(queued, outcome);
    if (outcome.scoring) tracer.mark(info.uid, "scored nodes", scoredAttributes(outcome.scoring, outcome.node.name));
    this.#start = (this.#start + outcome.feasible.length + outcome.rejections.size) % this.#cluster.nodes.length;
    this.#assign(queued, outcome);
  }

  #attempt(queued: QueuedPod): Choice | Diagnosis | undefined {
    const { random, percentageOfNodesToScore: percentage = 0 } = this.#options;
    try {
      return schedulePod({ pod: queued.info, cluster: this.#cluster, plugins: this.#plugins, nominated: this.#nominations.on, start: this.#start, percentage, random: () => random.next() });
    } catch (error) {
      // A bug in a plugin, or an object that validation should not have let through: only this pod suffers.
      this.#options.log.error("scheduling a pod failed", { pod: queued.info.key, error });
      this.#failed(queued, "SchedulerError", error instanceof Error ? error.message : String(error), undefined);
      return undefined;
    }
  }

  #noFit(queued: QueuedPod, diagnosis: Diagnosis): void {
    const { nominate, message } = this.#preemption.tryFor(queued.info, diagnosis);
    this.#failed(queued, "Unschedulable", diagnosisText(diagnosis, message), diagnosis.plugins, nominate);
  }

  #assign(queued: QueuedPod, { node, feasible }: Choice): void {
    const { info } = queued;
    this.#cluster.assume(info, node.name);
    this.#nominations.delete(info.uid);
    this.#bindings++;
    const ended = this.#options.tracer.start(info.uid, "bound to node");
    void this.#bind(queued, node.name).then((bound) => ended({ ...chosenAttributes(node.name, feasible.length), attempts: queued.attempts, bound })).finally(() => {
      this.#bindings--;
      this.#bindingEnded.resolve();
      this.#bindingEnded = Promise.withResolvers<void>();
    });
  }

  async #bind(queued: QueuedPod, node: string): Promise<boolean> {
    const { events, log, signal } = this.#options;
    const { pod, uid, key } = queued.info;
    const { name = "", namespace = "" } = pod.metadata;
    try {
      await this.#client.post(pods, { name, namespace }, "binding", {
        apiVersion: "v1", kind: "Binding", metadata: { name, namespace, uid }, target: { kind: "Node", name: node },
      }, { signal });
      this.#queue.delete(uid);
      events.event(pod, "Normal", "Scheduled", `Successfully assigned ${key} to ${node}`);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const given = this.#cluster.isAssumed(uid);
      this.#cluster.forget(uid);
      if (given) this.#queue.happened({ resource: "AssignedPod", previous: { ...pod, spec: { containers: [], ...pod.spec, nodeName: node } }, next: undefined });
      // The watch will say, or has said, that the pod is gone or that somebody else was first.
      if (!isNotFound(error)) log.warn("binding a pod failed", { pod: key, node, error });
      this.#failed(queued, "SchedulerError", `running Bind plugin "DefaultBinder": ${error instanceof Error ? error.message : String(error)}`, undefined);
      return false;
    }
  }

  /** `plugins`: who rejected the pod; undefined when the failure was not about nodes. `nominate`: the node promised to it, "" takes a promise back. */
  #failed(queued: QueuedPod, reason: "Unschedulable" | "SchedulerError", message: string, plugins: ReadonlySet<string> | undefined, nominate?: string): void {
    const { clock, events, log, signal } = this.#options;
    const { info } = queued;
    if (!this.#queue.has(info.uid)) return;
    if (plugins) this.#queue.unschedulable(queued, plugins);
    else this.#queue.failed(queued);
    if (nominate !== undefined) this.#nominations.set(info, nominate);
    events.event(info.pod, "Warning", "FailedScheduling", message.length <= messageLengthMax ? message : `${message.slice(0, messageLengthMax - 4)} ...`);
    setPodStatus(this.#client, info.pod, { condition: { type: "PodScheduled", status: "False", reason, message }, ...(nominate !== undefined && { nominatedNodeName: nominate }), nowMs: clock.now(), signal })
      .catch((error: unknown) => {
        if (!signal.aborted && !isNotFound(error)) log.warn("the status of a pod could not be written", { pod: info.key, error });
      });
  }
}

/** Changes of a node that may let a pod in; a heartbeat is none. */
function mattersOf(previous: Node, next: Node): boolean {
  return !equal(previous.spec, next.spec) || !equal(previous.metadata.labels, next.metadata.labels) || !equal(previous.status?.allocatable, next.status?.allocatable);
}
