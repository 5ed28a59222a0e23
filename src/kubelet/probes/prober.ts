import type { Pod, Probe } from "../../api/generated/core-v1.ts";
import type { Cri } from "../../cri/cri.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { PodEvents } from "../pod/events.ts";
import { containersOf, isHostNetwork, uidOf, type NamedContainer } from "../pod/pod.ts";
import { readySandbox, type RuntimeContainer, type RuntimePod } from "../runtime/runtime-pod.ts";
import type { ContainerProbes } from "../status/container-statuses.ts";
import { runProbe } from "./run-probe.ts";

type Kind = "startup" | "liveness" | "readiness";
const specOf = ({ container }: NamedContainer, kind: Kind): Probe | undefined => ({ startup: container.startupProbe, liveness: container.livenessProbe, readiness: container.readinessProbe })[kind];
const titles = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" } as const;

interface Task {
  readonly uid: string;
  readonly containerId: string;
  readonly kind: Kind;
  readonly stop: AbortController;
}

export interface ProberOptions {
  readonly cri: Cri;
  readonly clock: Clock;
  readonly events: PodEvents;
  readonly nodeIp: string;
  /** Called with the UID of a pod when what a probe says of it has changed. */
  readonly changed: (podUid: string) => void;
  readonly signal: AbortSignal;
}

/** Counts results in a row and tells when they have reached their threshold. */
export class Threshold {
  #last: boolean | undefined;
  #run = 0;
  readonly #probe: Pick<Probe, "successThreshold" | "failureThreshold">;

  constructor(probe: Pick<Probe, "successThreshold" | "failureThreshold">) {
    this.#probe = probe;
  }

  /** The verdict to take, or undefined while there were too few in a row. */
  add(success: boolean): boolean | undefined {
    this.#run = success === this.#last ? this.#run + 1 : 1;
    this.#last = success;
    return this.#run >= (success ? (this.#probe.successThreshold ?? 1) : (this.#probe.failureThreshold ?? 3)) ? success : undefined;
  }
}

/**
 * Asks containers how they are: whether they have started, whether they are alive, whether they are ready. Results are kept by container id, so a
 * restarted container begins anew. The others wait until a startup probe has succeeded.
 */
export class Prober implements ContainerProbes {
  readonly #options: ProberOptions;
  readonly startup = new Map<string, boolean>();
  readonly liveness = new Map<string, boolean>();
  readonly #readiness = new Map<string, boolean>();
  readonly #tasks = new Map<string, Task>();
  /** Pods that are ending: only readiness is still asked for. */
  readonly #ending = new Set<string>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  started(id: string, { container }: NamedContainer): boolean {
    return container.startupProbe === undefined || this.startup.get(id) === true;
  }

  ready(id: string, { container }: NamedContainer): boolean {
    return container.readinessProbe === undefined || this.#readiness.get(id) === true;
  }

  /** Begins to probe what runs, and ends with what does not. */
  update(pod: Pod, runtime: RuntimePod): void {
    const uid = uidOf(pod);
    if (this.#ending.has(uid)) return;
    const running = new Map(runtime.containers.filter(({ state }) => state === "running").map((container) => [container.name, container]));
    const ids = new Set([...running.values()].map(({ id }) => id));
    for (const task of this.#tasks.values()) if (task.uid === uid && !ids.has(task.containerId)) this.forget(task.containerId);
    for (const named of containersOf(pod)) {
      const container = running.get(named.container.name);
      if (!container || named.kind === "init" || named.kind === "ephemeral") continue;
      this.#seed(pod, named, container);
      const podIp = isHostNetwork(pod) ? this.#options.nodeIp : (readySandbox(runtime)?.ips[0] ?? "");
      for (const kind of this.started(container.id, named) ? (["liveness", "readiness"] as const) : (["startup"] as const)) this.#begin(pod, named, container, kind, podIp);
    }
  }

  /** A container that was shown as started and ready before this kubelet began stays so until a probe says otherwise. */
  #seed(pod: Pod, named: NamedContainer, { id }: RuntimeContainer): void {
    const shown = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(({ containerID }) => containerID?.endsWith(id) === true);
    if (!shown) return;
    if (named.container.startupProbe && shown.started === true && !this.startup.has(id)) this.startup.set(id, true);
    if (named.container.readinessProbe && shown.ready && !this.#readiness.has(id)) this.#readiness.set(id, true);
  }

  #begin(pod: Pod, named: NamedContainer, container: RuntimeContainer, kind: Kind, podIp: string): void {
    const probe = specOf(named, kind);
    const key = `${container.id}/${kind}`;
    if (!probe || this.#tasks.has(key)) return;
    const task: Task = { uid: uidOf(pod), containerId: container.id, kind, stop: new AbortController() };
    this.#tasks.set(key, task);
    void this.#run(task, probe, pod, named, container, podIp);
  }

  async #run(task: Task, probe: Probe, pod: Pod, named: NamedContainer, container: RuntimeContainer, podIp: string): Promise<void> {
    const { clock, cri, events } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, task.stop.signal]);
    const threshold = new Threshold(probe);
    const results = { startup: this.startup, liveness: this.liveness, readiness: this.#readiness }[task.kind];
    try {
      const delayMs = container.startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now();
      if (delayMs > 0 && (probe.initialDelaySeconds ?? 0) > 0) await clock.sleep(delayMs, { signal });
      for (;;) {
        const over = new AbortController();
        const waiting = new AbortController();
        clock.sleep((probe.timeoutSeconds ?? 1) * 1000, { signal: AbortSignal.any([signal, waiting.signal]) }).then(() => over.abort(new Error("the probe's time is over")), () => undefined); // Rejects when it is no longer wanted.
        const { result, output } = await runProbe(probe, { cri, container: named.container, containerId: container.id, podIp, signal: AbortSignal.any([signal, over.signal]) });
        waiting.abort();
        if (signal.aborted) return;
        const title = titles[task.kind];
        if (result === "errored") events.event(pod, "Warning", "Unhealthy", `${title} probe errored and resulted in unknown state: ${output}`, { fieldPath: named.fieldPath });
        else {
          if (result === "failure") events.event(pod, "Warning", "Unhealthy", `${title} probe failed: ${output}`, { fieldPath: named.fieldPath });
          if (result === "warning") events.event(pod, "Warning", "ProbeWarning", `${title} probe warning: ${output}`, { fieldPath: named.fieldPath });
          const verdict = threshold.add(result !== "failure");
          if (verdict !== undefined && results.get(container.id) !== verdict) {
            results.set(container.id, verdict);
            this.#options.changed(task.uid);
          }
          // A container that is to be killed, or has started, is not asked this any more.
          if (verdict !== undefined && (task.kind === "startup" || (task.kind === "liveness" && !verdict))) return;
        }
        await clock.sleep((probe.periodSeconds ?? 10) * 1000, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A container that has ended. */
  forget(containerId: string): void {
    for (const [key, task] of this.#tasks) {
      if (task.containerId !== containerId) continue;
      task.stop.abort(new Error("the container has ended"));
      this.#tasks.delete(key);
    }
    for (const results of [this.startup, this.liveness, this.#readiness]) results.delete(containerId);
  }

  /** The pod is ending: nothing is restarted any more, but others still want to know whether it answers. */
  stop(uid: string): void {
    this.#ending.add(uid);
    for (const [key, task] of this.#tasks) {
      if (task.uid !== uid || task.kind === "readiness") continue;
      task.stop.abort(new Error("the pod is ending"));
      this.#tasks.delete(key);
    }
  }

  remove(uid: string): void {
    for (const task of this.#tasks.values()) if (task.uid === uid) this.forget(task.containerId);
    this.#ending.delete(uid);
  }
}
