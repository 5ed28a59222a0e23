import { nodes, type Node, type NodeStatus } from "../../api/generated/core-v1.ts";
import { isAlreadyExists, isNotFound } from "../../apimachinery/status-error.ts";
import type { Client } from "../../client/client.ts";
import { isNotNewer } from "../../client/resource-version.ts";
import type { Cri } from "../../cri/cri.ts";
import type { PodEvents } from "../pod/events.ts";
import type { Clock } from "../../stdx/clock.ts";
import { equal } from "../../stdx/equal.ts";
import type { Log } from "../../stdx/log.ts";
import type { Machine } from "./machine.ts";
import { isReady, newNode, nodeStatus, type NodeStatusInput } from "./node-status.ts";

/** The status is computed so often, and written when it changed or was not written for longer. */
const computeEveryMs = 10_000;
const writeEveryMs = 300_000;
/** While the runtime or its network is not ready, it is asked more often. */
const unreadyDelayMs = 50;
const unreadyDelayMsMax = 500;

export interface NodeUpdaterOptions {
  readonly client: Client;
  readonly cri: Cri;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: PodEvents;
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly machine: Machine;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec?: Node["spec"];
  readonly port: number;
  /** The node as the watch last told of it: others write to its status too, such as that it fell silent. */
  readonly observed: () => Node | undefined;
  readonly signal: AbortSignal;
}

const withoutTimes = ({ conditions = [], ...status }: NodeStatus): unknown => ({ ...status, conditions: conditions.map(({ lastHeartbeatTime: _, ...condition }) => condition) });

/** Registers the node and keeps its status true. */
export class NodeUpdater {
  readonly #options: NodeUpdaterOptions;
  readonly #first = Promise.withResolvers<void>();
  #known: Node | undefined;
  #writtenMs = 0;
  #wasReady: boolean | undefined;

  constructor(options: NodeUpdaterOptions) {
    this.#options = options;
  }

  /** Resolves when the API server has the node as Ready. */
  get ready(): Promise<void> {
    return this.#first.promise;
  }

  async run(): Promise<void> {
    const { clock, log, signal } = this.#options;
    let delayMs = unreadyDelayMs;
    let everWritten = false;
    while (!signal.aborted) {
      let ready = false;
      try {
        ready = await this.#update();
        everWritten = true;
      } catch (error) {
        if (signal.aborted) return;
        // A node may well start before its API server does.
        (everWritten ? log.warn : log.info).call(log, "the node's status could not be written", { error });
      }
      delayMs = ready ? unreadyDelayMs : Math.min(delayMs * 2, unreadyDelayMsMax);
      await clock.sleep(ready ? computeEveryMs : delayMs, { signal }).catch(() => undefined); // Rejects only on abort, which the loop sees.
    }
  }

  async #runtime(): Promise<Pick<NodeStatusInput, "runtime" | "images">> {
    const { cri, signal } = this.#options;
    try {
      const [version, { status }, { images }] = await Promise.all([cri.version({}, { signal, deadlineMs: 5000 }), cri.status({}, { signal, deadlineMs: 5000 }), cri.listImages({}, { signal, deadlineMs: 5000 })]);
      return { runtime: { name: version.runtimeName, version: version.runtimeVersion, conditions: status?.conditions ?? [] }, images };
    } catch (error) {
      signal.throwIfAborted();
      return { runtime: { name: "containerd", version: "", conditions: [], error: error instanceof Error ? error.message : String(error) }, images: [] };
    }
  }

  async #update(): Promise<boolean> {
    const { client, clock, nodeName, nodeIps, machine, labels, spec, port, signal } = this.#options;
    const facts = await this.#runtime();
    const make = (previous: NodeStatus | undefined): NodeStatus => nodeStatus({ nodeName, nodeIps, machine, port, previous, nowMs: clock.now(), ...facts });
    if (!this.#known) {
      const node = newNode(nodeName, machine, labels, make(undefined), spec);
      try {
        this.#known = await client.create(nodes, node, { signal });
        this.#writtenMs = clock.now();
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        this.#known = await client.get(nodes, { name: nodeName }, { signal });
        const missing = Object.entries(node.metadata.labels ?? {}).filter(([key, value]) => this.#known?.metadata.labels?.[key] !== value);
        if (missing.length > 0) this.#known = await client.patch(nodes, { name: nodeName }, "application/merge-patch+json", { metadata: { labels: Object.fromEntries(missing) } }, { signal });
      }
    }
    const observed = this.#options.observed();
    if (observed && !isNotNewer(observed, this.#known)) this.#known = observed;
    const previous = this.#known.status;
    const status = make(previous);
    const due = clock.now() - this.#writtenMs >= writeEveryMs;
    if (due || !equal(withoutTimes(status), withoutTimes(previous ?? {}))) {
      try {
        this.#known = await client.patch(nodes, { name: nodeName }, "application/strategic-merge-patch+json", { status: this.#patch(previous ?? {}, status) }, { subresource: "status", signal });
        this.#writtenMs = clock.now();
      } catch (error) {
        if (isNotFound(error)) this.#known = undefined; // Somebody deleted the node: it is registered anew.
        throw error;
      }
    }
    this.#tell(isReady(status));
    return isReady(status);
  }

  #patch(previous: NodeStatus, status: NodeStatus): Readonly<Record<string, unknown>> {
    const [old, next] = [previous as Readonly<Record<string, unknown>>, status as Readonly<Record<string, unknown>>];
    return Object.fromEntries(Object.keys(next).filter((key) => key === "conditions" || !equal(old[key], next[key])).map((key) => [key, key === "addresses" && Array.isArray(old[key]) ? [{ $patch: "replace" }, ...(next[key] as readonly unknown[])] : next[key]]));
  }

  #tell(ready: boolean): void {
    const { events, nodeName } = this.#options;
    if (ready) this.#first.resolve();
    if (this.#wasReady !== ready && (this.#wasReady !== undefined || ready)) {
      const reason = ready ? "NodeReady" : "NodeNotReady";
      events.event({ apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeName }, "Normal", reason, `Node ${nodeName} status is now: ${reason}`);
    }
    this.#wasReady = ready;
  }
}
