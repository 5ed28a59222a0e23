import { rm } from "node:fs/promises";
import type { Random } from "../../stdx/random.ts";
import type { Pod, PodStatus } from "../../api/generated/core-v1.ts";
import { formatDurationMs, timeMs } from "../../apimachinery/time.ts";
import { killContainer, stopContainer } from "../containers/kill.ts";
import { StartError } from "../containers/start-error.ts";
import { identityOf, podDir, podLogDir } from "../paths.ts";
import { latestContainer, readySandbox, type RuntimePod } from "../runtime/runtime-pod.ts";
import type { WaitingReason } from "../status/container-statuses.ts";
import { podStatus, type PodVerdict } from "../status/pod-status.ts";
import { VolumeError } from "../volumes/volumes.ts";
import { Allocation } from "./allocation.ts";
import { killAll, removeContainer, removeSandbox, tidy } from "./clean-up.ts";
import type { PodContext } from "./context.ts";
import { createSandbox, sandboxConfigOf } from "./create-sandbox.ts";
import { isEcho, mergedConditions } from "./own-status.ts";
import { plan, type PodPlan } from "./plan.ts";
import { findContainer, gracePeriodSecondsOf, isHostNetwork, isStaticPod, nameOf, namespaceOf, podText, specOf, uidOf } from "./pod.ts";
import { pullSecrets, readSources, startContainer } from "./start-container.ts";

/** After an error the next try waits so long, doubling. */
const retryDelayMs = 500;
const retryDelayMsMax = 60_000;
/** Looked at again after this even if nothing tells of a change. */
const resyncMs = 60_000;

/** Makes one pod true: looks at what is, decides, acts, and again when something changes; until the pod is gone. */
export class PodWorker {
  readonly uid: string;
  readonly #context: PodContext;
  readonly #random: Random;
  readonly #signal: AbortSignal;
  #pod: Pod;
  readonly #allocation: Allocation;
  #runtime: RuntimePod;
  #failed: PodVerdict | undefined;
  /** The API server has no such pod any more. */
  #removed = false;
  #dirty = true;
  #wakeUp = Promise.withResolvers<void>();
  /** Ends what the worker is doing, when the pod is to end. */
  #interrupt = new AbortController();
  #seen = false;
  /** The runtime cannot have anything of it yet. */
  #fresh: boolean;
  #retries = 0;
  #settled = false;
  /** Set before the last status is written: whoever sees that status may send the next pod here. */
  #stopped = false;
  readonly #waiting = new Map<string, WaitingReason>();
  #lastPhase: string | undefined;
  readonly done: Promise<void>;

  constructor(context: PodContext, pod: Pod, options: { readonly random: Random; readonly signal: AbortSignal; readonly failed?: PodVerdict | undefined; readonly removed?: boolean; readonly fresh?: boolean }) {
    this.#context = context;
    this.#random = options.random;
    this.#signal = options.signal;
    this.#pod = pod;
    this.#allocation = new Allocation(pod, (wanted) => context.resize(wanted));
    this.uid = uidOf(pod);
    this.#failed = options.failed;
    this.#removed = options.removed === true;
    this.#fresh = options.fresh === true;
    this.#runtime = { uid: this.uid, sandboxes: [], containers: [] };
    this.done = this.#run();
  }

  /** The pod as the API last had it, with the status that this kubelet knows. */
  get pod(): Pod {
    const { pod } = this.#allocation;
    const status = this.#context.statuses.latest(this.uid);
    return status ? { ...pod, status: { ...pod.status, ...status, conditions: mergedConditions(pod.status, status) } } : pod;
  }

  /** It asks for more than the node can give now. */
  get waitsForRoom(): boolean {
    return this.#allocation.verdict?.type === "PodResizePending";
  }

  /** What the runtime had when it was last looked at. */
  get runtime(): RuntimePod {
    return this.#runtime;
  }

  get ending(): boolean {
    return this.#removed || this.#pod.metadata.deletionTimestamp !== undefined;
  }

  /**
   * Its room on the node is free for others: nothing of it runs any more and nothing will, or the API has let it go already, after which the scheduler
   * counts on the room as well (upstream's kubelet does not count such pods either).
   */
  get settled(): boolean {
    return this.#stopped || this.#removed;
  }

  update(pod: Pod): void {
    const before = this.ending;
    const graceBefore = gracePeriodSecondsOf(this.#pod);
    const echo = isEcho(this.#pod, pod);
    this.#pod = pod;
    this.#allocation.ask(pod);
    if (echo) return;
    if (this.ending && !before) this.#interrupt.abort(new Error("the pod is being deleted"));
    else if (this.ending && gracePeriodSecondsOf(pod) < graceBefore) this.#hurry(gracePeriodSecondsOf(pod));
    this.wake();
  }

  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#interrupt.abort(new Error("the pod was deleted"));
    this.#context.statuses.forget(this.uid);
    this.wake();
  }

  /** The node has decided against the pod: it ends as Failed, with this reason. */
  fail(verdict: PodVerdict): void {
    if (this.#failed) return;
    this.#failed = verdict;
    this.#interrupt.abort(new Error(verdict.reason));
    this.wake();
  }

  /** A probe has changed its mind. While the pod is ending there is nothing to decide, only to show. */
  probed(): void {
    if (this.ending && !this.#settled && !this.#removed) this.#show(false);
    else this.wake();
  }

  wake(): void {
    this.#dirty = true;
    this.#wakeUp.resolve();
  }

  async #run(): Promise<void> {
    const { log, clock, events } = this.#context;
    while (!this.#signal.aborted) {
      this.#dirty = false;
      this.#wakeUp = Promise.withResolvers();
      let waitMs = resyncMs;
      try {
        const next = await this.#sync();
        if (next === "gone") return;
        waitMs = Math.min(next, resyncMs);
        this.#retries = 0;
      } catch (error) {
        if (this.#signal.aborted) return;
        if (this.#interrupt.signal.aborted && error === this.#interrupt.signal.reason) continue;
        waitMs = Math.min(retryDelayMs * 2 ** this.#retries++, retryDelayMsMax);
        log.info("a pod could not be brought to its state", { pod: podText(this.#pod), error, retryMs: waitMs });
        if (error instanceof VolumeError) events.event(this.#pod, "Warning", "FailedMount", error.message);
      }
      if (this.#dirty) continue;
      const stop = new AbortController();
      await Promise.race([this.#wakeUp.promise, clock.sleep(waitMs, { signal: AbortSignal.any([this.#signal, stop.signal]) }).catch(() => undefined)]); // Rejects only on abort, which the loop sees.
      stop.abort();
    }
  }

  /** Milliseconds until it has to look again, or "gone" when there is nothing left of the pod. */
  async #sync(): Promise<number | "gone"> {
    const { runtimePods, tracer, prober } = this.#context;
    if (!this.#seen) {
      this.#seen = true;
      tracer.mark(this.uid, "seen by kubelet", { node: this.#context.node.nodeName });
    }
    if (this.#interrupt.signal.aborted && !this.ending && !this.#failed) this.#interrupt = new AbortController();
    if (!this.#fresh) this.#runtime = await runtimePods.read(this.uid, { signal: this.#signal });
    this.#fresh = false;
    const { phase } = this.pod.status ?? {};
    if (this.waitsForRoom) this.#allocation.ask(this.#pod);
    const deadlineMs = this.#deadlineMs();
    if (!this.ending && !this.#failed && deadlineMs <= 0 && phase !== "Succeeded" && phase !== "Failed") {
      const message = "Pod was active on the node longer than the specified deadline";
      this.#context.events.event(this.#pod, "Normal", "DeadlineExceeded", message);
      this.#failed = { reason: "DeadlineExceeded", message };
    }
    if (this.ending || this.#failed || phase === "Succeeded" || phase === "Failed") return this.#end();

    const shown = this.#show(false);
    if (shown.phase === "Succeeded" || shown.phase === "Failed") return this.#end();
    prober.update(this.pod, this.#runtime);
    const decided = plan(this.pod, this.#runtime, prober, this.#context.node.resources);
    if (this.#allocation.verdict?.type === "PodResizeInProgress" && decided.containersToUpdate.length === 0 && decided.containersToKill.length === 0) {
      this.#allocation.done();
      this.#show(false);
    }
    const nextMs = await this.#act(decided);
    await tidy(this.#context, this.#runtime, this.#signal);
    return Math.min(nextMs, deadlineMs);
  }

  #deadlineMs(): number {
    const { activeDeadlineSeconds } = specOf(this.#pod);
    const startMs = timeMs(this.pod.status?.startTime);
    return activeDeadlineSeconds === undefined || startMs === undefined ? Infinity : startMs + activeDeadlineSeconds * 1000 - this.#context.clock.now();
  }

  #show(terminal: boolean): PodStatus {
    const { statuses, runtimeName, prober, node, clock, tracer } = this.#context;
    const status = podStatus({
      pod: this.pod, runtime: this.#runtime, runtimeName, waiting: this.#waiting, probes: prober, nodeIps: node.nodeIps, terminal, failed: this.#failed, resize: this.#allocation.verdict, nowMs: clock.now(),
    });
    if (!this.#removed) statuses.set(this.#pod, status);
    const ready = status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true;
    const said = `${status.phase}${ready ? "/Ready" : ""}`;
    if (said !== this.#lastPhase) {
      this.#lastPhase = said;
      tracer.mark(this.uid, `status ${said}`, { phase: status.phase ?? "", ready });
    }
    return status;
  }

  async #act(decided: PodPlan): Promise<number> {
    const { cri, clock, events, log, prober, cgroups } = this.#context;
    const signal = AbortSignal.any([this.#signal, this.#interrupt.signal]);
    const pod = this.pod;
    const podIp = readySandbox(this.#runtime)?.ips[0] ?? "";
    const kill = { cri, clock, events, log, pod, podIp, signal: this.#signal };
    if (decided.killPod) {
      if (decided.createSandbox && decided.sandboxId !== undefined) events.event(pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
      await killAll(this.#context, { pod: this.pod, runtime: this.#runtime, signal: this.#signal }, gracePeriodSecondsOf(pod));
      if (!decided.createSandbox) {
        this.#runtime = await this.#context.runtimePods.read(this.uid, { signal });
        const shown = this.#show(false);
        return shown.phase === "Succeeded" || shown.phase === "Failed" ? 0 : resyncMs;
      }
      // A new sandbox begins with its init containers again.
      const init = new Set((specOf(pod).initContainers ?? []).map(({ name }) => name));
      await Promise.all(this.#runtime.containers.filter(({ name }) => init.has(name)).map(({ id }) => removeContainer(this.#context, id, this.#signal)));
    } else {
      await Promise.all(decided.containersToKill.map(async ({ container, message, reason }) => {
        const named = findContainer(pod, container.name)?.container;
        const probe = reason === "liveness" ? named?.livenessProbe : reason === "startup" ? named?.startupProbe : undefined;
        await killContainer({ ...kill, container, message, graceSeconds: probe?.terminationGracePeriodSeconds ?? gracePeriodSecondsOf(pod) });
        prober.forget(container.id);
      }));
    }

    const names = [...decided.ephemeralContainersToStart, ...decided.initContainersToStart, ...decided.containersToStart];
    if (decided.containersToUpdate.length > 0) {
      cgroups.create(pod); // Its own limits first: more room for more, and what is less is checked by the kernel.
      await Promise.all(decided.containersToUpdate.map(({ id, resources }) => cri.updateContainerResources({ containerId: id, linux: resources }, { signal })));
    }
    const changed = decided.killPod || decided.containersToKill.length > 0 || decided.containersToUpdate.length > 0;
    if (!decided.createSandbox && names.length === 0) {
      const { refreshMs } = await this.#ensureVolumes(signal);
      if (changed) this.wake();
      return refreshMs - clock.now();
    }
    return this.#start(decided, names, signal);
  }

  /** Sandbox, volumes, images and everything that containers read come at the same time; then containers, one after the other. */
  async #start(decided: PodPlan, names: readonly string[], signal: AbortSignal): Promise<number> {
    const context = this.#context;
    const { clock, backoff, tracer, cgroups } = context;
    const pod = this.pod;
    const config = sandboxConfigOf(context, pod, decided.attempt);
    if (decided.createSandbox) cgroups.create(pod);

    let nextMs = Infinity;
    const due = names.flatMap((name) => {
      const named = findContainer(pod, name);
      const latest = latestContainer(this.#runtime, name);
      if (!named) return [];
      const key = `${this.uid}/${name}/${named.container.image ?? ""}`;
      if (latest?.state === "exited") {
        const leftMs = backoff.remainingMs(key, latest.finishedAtMs, clock.now());
        if (leftMs > 0) {
          nextMs = Math.min(nextMs, leftMs);
          const delayText = formatDurationMs(backoff.delayMs(key));
          context.events.event(pod, "Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${podText(pod)}`, { fieldPath: named.fieldPath });
          this.#waiting.set(name, { reason: "CrashLoopBackOff", message: `back-off ${delayText} restarting failed container=${name} pod=${podText(pod)}` });
          return [];
        }
        backoff.restarted(key, latest.finishedAtMs, clock.now());
      }
      return [{ name, named }];
    });

    const sandboxing = decided.createSandbox ? createSandbox(context, this.#pod, config, signal) : Promise.resolve(readySandbox(this.#runtime));
    const mounting = this.#ensureVolumes(signal);
    const secrets = lazily(() => pullSecrets(context, pod));
    const preparing = due.map(({ name, named }) => {
      const present = tracer.start(this.uid, "image");
      const image = context.puller.ensure({ pod, container: named.container, fieldPath: named.fieldPath, secrets, sandboxConfig: config, signal }).then((found) => {
        present({ container: name, image: named.container.image ?? "", pulled: found.pulled });
        return found;
      });
      const sources = readSources(context, pod, named, signal);
      for (const promise of [image, sources]) promise.catch(() => undefined); // Awaited below, when its container's turn comes.
      return { name, named, image, sources };
    });
    mounting.catch(() => undefined); // Awaited below.
    const sandbox = await sandboxing;
    if (!sandbox) throw new Error("the pod's sandbox is gone");
    const volumes = await mounting;
    const started: string[] = [];
    nextMs = Math.min(nextMs, volumes.refreshMs - clock.now());

    for (const { name, named, image, sources } of preparing) {
      signal.throwIfAborted();
      try {
        started.push(await startContainer(context, {
          pod, named, runtime: this.#runtime, sandboxId: sandbox.id, sandboxConfig: config, podIps: isHostNetwork(pod) ? context.node.nodeIps : sandbox.ips,
          image, sources, volumes: volumes.byName, random: this.#random, signal,
        }));
        this.#waiting.delete(name);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof StartError)) throw error;
        this.#waiting.set(name, { reason: error.reason, message: error.message });
        const imageMs = context.puller.remainingMs(pod, named.container.image ?? "");
        nextMs = Math.min(nextMs, imageMs > 0 && error.reason === "ImagePullBackOff" ? imageMs : error.reason === "ErrImagePull" ? pullNoticeMs : startRetryMs);
        if (named.kind === "init") break;
      }
    }
    // Where nothing was killed and all went well, what was started is all that is new.
    const known = started.length === due.length && (this.#runtime.sandboxes.length === 0 || (!decided.killPod && decided.containersToKill.length === 0));
    this.#runtime = known ? await context.runtimePods.withStarted(this.#runtime, sandbox, started, { signal }) : await context.runtimePods.read(this.uid, { signal });
    context.prober.update(this.pod, this.#runtime);
    this.#show(false);
    // More may be due already: the container after a sidecar, or the restart of one that ended meanwhile.
    if (due.some(({ name }) => !this.#waiting.has(name))) {
      const again = plan(this.pod, this.#runtime, context.prober, context.node.resources);
      if ([...again.initContainersToStart, ...again.containersToStart].some((name) => !this.#waiting.has(name)) || again.createSandbox || again.containersToKill.length > 0) this.wake();
    }
    return nextMs;
  }

  async #ensureVolumes(signal: AbortSignal): ReturnType<PodContext["volumes"]["ensure"]> {
    const { volumes, node, tracer } = this.#context;
    const done = this.#runtime.sandboxes.length === 0 ? tracer.start(this.uid, "mounted volumes") : undefined;
    const ready = await volumes.ensure(this.pod, { nodeName: node.nodeName, nodeIps: node.nodeIps, podIps: [], allocatable: node.allocatable }, signal);
    done?.({ volumes: [...ready.byName.keys()].join(" ") });
    return ready;
  }

  /** The time to end became shorter while containers are ending. */
  #hurry(graceSeconds: number): void {
    for (const { id, state } of this.#runtime.containers) {
      if (state === "running") stopContainer(this.#context.cri, id, graceSeconds, this.#signal).catch((error: unknown) => this.#context.log.debug("a container could not be hurried", { id, error }));
    }
  }

  /** Everything stops. What was deleted also goes, with its files, groups and logs; what has only ended stays to be read. */
  async #end(): Promise<number | "gone"> {
    const { runtimePods, volumes, cgroups, statuses, prober, puller, backoff, tracer, paths } = this.#context;
    prober.stop(this.uid);
    const running = this.#runtime.containers.some(({ state }) => state === "running") || this.#runtime.sandboxes.some(({ ready }) => ready);
    if (!this.#settled) {
      if (running) {
        this.#show(false);
        const done = tracer.start(this.uid, "ended");
        await killAll(this.#context, { pod: this.pod, runtime: this.#runtime, signal: this.#signal }, gracePeriodSecondsOf(this.#pod));
        this.#runtime = await runtimePods.read(this.uid, { signal: this.#signal });
        done();
      }
      prober.remove(this.uid);
      this.#stopped = true;
      this.#show(true);
      await volumes.remove(this.uid, this.#signal);
      this.#settled = true;
    }
    if (!cgroups.remove(this.#pod)) return retryDelayMs;
    if (!this.ending) return resyncMs;

    await Promise.all(this.#runtime.sandboxes.map(({ id }) => removeSandbox(this.#context, id, this.#signal)));
    await Promise.all([rm(podLogDir(paths, identityOf(this.#pod)), { recursive: true, force: true }), rm(podDir(paths, this.#pod), { recursive: true, force: true })]);
    for (const { id } of this.#runtime.containers) runtimePods.forget(id);
    puller.forget(this.#pod);
    backoff.forget(`${this.uid}/`);
    if (!this.#removed && !isStaticPod(this.#pod)) await statuses.finish(this.#pod);
    statuses.forget(this.uid);
    return "gone";
  }

  /** For messages. */
  toString(): string {
    return `${namespaceOf(this.#pod)}/${nameOf(this.#pod)}`;
  }
}

/** After a failed pull the status shows ErrImagePull for a moment before it shows that the kubelet waits. */
const pullNoticeMs = 1000;
const startRetryMs = 5000;

/** Asks once, when somebody first wants to know. */
function lazily<T>(get: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => (asked ??= get());
}
