import type { Pod } from "../../api/generated/core-v1.ts";
import type { Cri } from "../../cri/cri.ts";
import { isRpcError } from "../../stdx/grpc.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { PodEvents } from "../pod/events.ts";
import { findContainer, podText, specOf } from "../pod/pod.ts";
import type { RuntimeContainer, RuntimePod } from "../runtime/runtime-pod.ts";
import { runHook } from "./hooks.ts";

/** Nothing is killed without at least this. */
const graceSecondsMin = 2;

export interface KillOptions {
  readonly cri: Cri;
  readonly clock: Clock;
  readonly events: PodEvents;
  readonly log: Log;
  readonly pod: Pod;
  readonly container: RuntimeContainer;
  readonly podIp: string;
  readonly graceSeconds: number;
  /** Of the event; by default that the container is being stopped. */
  readonly message?: string;
  /** Resolves when those have ended that must end before; waiting counts against the grace. */
  readonly turn?: Promise<void>;
  readonly signal: AbortSignal;
}

/** Ends one container: its preStop hook, then SIGTERM, then, when its time is over, SIGKILL. Resolves when it has ended. */
export async function killContainer(options: KillOptions): Promise<void> {
  const { cri, clock, events, log, pod, container, podIp, graceSeconds, message = `Stopping container ${container.name}`, turn, signal } = options;
  const named = findContainer(pod, container.name);
  const fieldPath = named?.fieldPath ?? `spec.containers{${container.name}}`;
  events.event(pod, "Normal", "Killing", message, { fieldPath });
  const startedMs = clock.now();
  const left = (): number => graceSeconds - Math.floor((clock.now() - startedMs) / 1000);

  const preStop = named?.container.lifecycle?.preStop;
  if (named && preStop && graceSeconds > 0) {
    using timeout = timer(clock, graceSeconds * 1000, signal);
    try {
      await runHook(preStop, { cri, clock, pod, container: named.container, containerId: container.id, podIp, signal: timeout.signal });
    } catch (error) {
      signal.throwIfAborted();
      log.info("a preStop hook failed", { pod: podText(pod), container: container.name, error });
      events.event(pod, "Warning", "FailedPreStopHook", "PreStopHook failed", { fieldPath });
    }
  }
  if (turn && left() > 0) {
    using timeout = timer(clock, left() * 1000, signal);
    await Promise.race([turn, aborted(timeout.signal)]);
    signal.throwIfAborted();
  }
  await stopContainer(cri, container.id, Math.max(left(), graceSecondsMin), signal);
}

/** Asks the runtime to end a container within so many seconds; one that is gone already has ended. */
export async function stopContainer(cri: Cri, containerId: string, timeoutSeconds: number, signal: AbortSignal): Promise<void> {
  try {
    await cri.stopContainer({ containerId, timeout: timeoutSeconds }, { signal, deadlineMs: (timeoutSeconds + 120) * 1000 });
  } catch (error) {
    if (!isRpcError(error, "NOT_FOUND")) throw error;
  }
}

interface Timer extends Disposable {
  readonly signal: AbortSignal;
}

/** A signal that aborts after a time, or with another. */
function timer(clock: Clock, durationMs: number, signal: AbortSignal): Timer {
  const over = new AbortController();
  const stop = new AbortController();
  clock.sleep(durationMs, { signal: AbortSignal.any([signal, stop.signal]) }).then(() => over.abort(new Error("its time is over")), () => undefined); // Rejects when it is no longer wanted.
  return { signal: AbortSignal.any([signal, over.signal]), [Symbol.dispose]: () => stop.abort() };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

export interface KillPodOptions extends Omit<KillOptions, "container" | "message" | "turn"> {
  readonly runtime: RuntimePod;
}

/** Ends all containers of a pod: main ones at once, then sidecars one by one, the last one first. */
export async function killContainers(options: KillPodOptions): Promise<void> {
  const { pod, runtime } = options;
  const running = runtime.containers.filter(({ state }) => state === "running" || state === "unknown");
  const sidecars = (specOf(pod).initContainers ?? []).map(({ name }) => name).filter((name) => findContainer(pod, name)?.kind === "sidecar");
  const ends = new Map<string, Promise<void>>();
  const order = (name: string): number => sidecars.indexOf(name);
  for (const container of running.toSorted((a, b) => (order(a.name) < 0 ? Infinity : order(a.name)) < (order(b.name) < 0 ? Infinity : order(b.name)) ? 1 : -1)) {
    const own = order(container.name);
    const before = own < 0 ? [] : [...ends].filter(([name]) => order(name) < 0 || order(name) > own).map(([, end]) => end);
    ends.set(container.name, killContainer({ ...options, container, ...(before.length > 0 && { turn: Promise.allSettled(before).then(() => undefined) }) }));
  }
  await Promise.all(ends.values());
}
