import { pods, nodes } from "../src/api/generated/core-v1.ts";
import type { KubeObject, WatchEvent } from "../src/apimachinery/object.ts";
import type { ApiRequest, Transport, WatchStream } from "../src/apimachinery/transport.ts";
import { EventRecorder } from "../src/client/event-recorder.ts";
import { Informers } from "../src/client/informers.ts";
import { TypedClient } from "../src/client/typed-client.ts";
import { runScheduler } from "../src/kube-scheduler/scheduler.ts";
import { node, pod, type PodParts } from "../src/kube-scheduler/testing/objects.ts";
import { Channel } from "../src/stdx/channel.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog } from "../src/stdx/log.ts";
import { seededRandom } from "../src/stdx/random.ts";
import { StepRing, Tracer } from "../src/stdx/steps.ts";

/** What the scheduler alone can do: nodes and pods come from an API server that costs nothing, and bindings go to it. */
export interface SchedulerFigure {
  readonly name: string;
  readonly nodes: number;
  readonly pods: number;
  readonly podsPerSecond: number;
}

/** Answers lists and watches from memory; a binding comes back on the watch of pods at once. */
class NothingCosts implements Transport {
  readonly #objects: Readonly<Record<string, readonly KubeObject[]>>;
  readonly #watches = new Map<string, Channel<WatchEvent>>();
  readonly #pods = new Map<string, KubeObject>();
  readonly bound: () => void;
  #revision = 10;

  constructor(objects: Readonly<Record<string, readonly KubeObject[]>>, bound: () => void) {
    this.#objects = objects;
    this.bound = bound;
  }

  add(resource: string, object: KubeObject): void {
    const made = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } };
    if (resource === "pods") this.#pods.set(made.metadata.name ?? "", made);
    this.#watches.get(resource)?.push({ type: "ADDED", object: made });
  }

  async request({ resource, subresource, name = "", body }: ApiRequest): Promise<unknown> {
    const known = this.#pods.get(name);
    if (subresource === "binding" && known) {
      const { target } = body as { readonly target: { readonly name: string } };
      const object = { ...known, metadata: { ...known.metadata, resourceVersion: String(++this.#revision) }, spec: { ...(known as unknown as { spec: object }).spec, nodeName: target.name } };
      this.#watches.get("pods")?.push({ type: "MODIFIED", object });
      this.bound();
    }
    return resource === "events" ? body : known;
  }

  watch({ resource }: ApiRequest): WatchStream {
    const channel = new Channel<WatchEvent>({ capacity: 1_000_000 });
    for (const object of this.#objects[resource] ?? []) channel.push({ type: "ADDED", object });
    channel.push({ type: "BOOKMARK", object: { apiVersion: "v1", kind: "Bookmark", metadata: { resourceVersion: String(this.#revision), annotations: { "k8s.io/initial-events-end": "true" } } } });
    this.#watches.set(resource, channel);
    return { [Symbol.asyncIterator]: () => channel[Symbol.asyncIterator](), [Symbol.dispose]: () => channel.close() };
  }
}

const labels = { app: "web" };
const workloads: Readonly<Record<string, { readonly parts: PodParts; readonly services?: readonly KubeObject[] }>> = {
  "plain": { parts: { requests: { cpu: "100m", memory: "128Mi" } } },
  "of one Service": {
    parts: { requests: { cpu: "100m", memory: "128Mi" }, metadata: { labels } },
    services: [{ apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "default", uid: "s" }, spec: { selector: labels } } as KubeObject],
  },
  "spread over zones": {
    parts: { metadata: { labels }, topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: labels } }] },
  },
  "with anti-affinity to another app": {
    parts: { metadata: { labels }, affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "other" } } }] } } },
  },
};

export async function benchScheduler({ nodeCount = 1000, podCount = 3000 } = {}): Promise<SchedulerFigure[]> {
  const figures: SchedulerFigure[] = [];
  for (const [name, { parts, services = [] }] of Object.entries(workloads)) {
    const done = Promise.withResolvers<void>();
    let left = podCount;
    const made = Array.from({ length: nodeCount }, (_, i) => ({ ...node(`node-${i}`, { labels: { "topology.kubernetes.io/zone": `zone-${i % 3}` } }) }));
    const transport = new NothingCosts({ [nodes.plural]: made, services }, () => --left === 0 && done.resolve());
    const client = new TypedClient(transport);
    const ending = new AbortController();
    const { signal } = ending;
    const [clock, random, log] = [systemClock, seededRandom(1), silentLog];
    const informers = new Informers({ client, clock, random, log, signal });
    const running = runScheduler({
      informers, clock, random, log, signal, tracer: new Tracer({ component: "kube-scheduler", steps: new StepRing({ stepsMax: 10_000 }), clock }),
      events: new EventRecorder({ client, clock, log, component: "default-scheduler", signal }),
    });
    await informers.of(pods).whenSynced(signal);
    const began = performance.now();
    for (let i = 0; i < podCount; i++) transport.add("pods", pod(`pod-${i}`, { ...parts, metadata: { ...parts.metadata, name: `pod-${i}`, namespace: "default", uid: `uid-${i}` } }));
    await done.promise;
    figures.push({ name, nodes: nodeCount, pods: podCount, podsPerSecond: (podCount / (performance.now() - began)) * 1000 });
    ending.abort();
    await running;
  }
  return figures;
}

export const schedulerTable = (figures: readonly SchedulerFigure[]): string =>
  [["pods", "nodes", "pods", "pods/s"], ...figures.map(({ name, nodes: n, pods: p, podsPerSecond }) => [name, String(n), String(p), podsPerSecond.toFixed(0)])]
    .map(([name = "", ...cells]) => name.padEnd(36) + cells.map((cell) => cell.padStart(10)).join("")).join("\n");

if (import.meta.main) console.log(schedulerTable(await benchScheduler()));
