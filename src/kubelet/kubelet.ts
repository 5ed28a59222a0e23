import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { nodes, pods, services, type Node, type Pod, type Service } from "../api/generated/core-v1.ts";
import type { Client } from "../client/client.ts";
import { EventRecorder } from "../client/event-recorder.ts";
import { Informer } from "../client/informer.ts";
import type { Cri } from "../cri/cri.ts";
import { watchRuntime } from "../cri/events.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import { Tracer, type Steps } from "../stdx/steps.ts";
import { Cgroups, findHierarchies, swapControlled } from "./cgroups/cgroups.ts";
import { ImagePuller } from "./images/image-puller.ts";
import { rotateLogs, rotationLimits } from "./logs/rotation.ts";
import { renewLease } from "./node/lease.ts";
import { readMachine } from "./node/machine.ts";
import { allocatableOf } from "./node/node-status.ts";
import { NodeUpdater } from "./node/node-updater.ts";
import { nodePaths } from "./paths.ts";
import { admit, admitResize } from "./pod/admit.ts";
import type { PodContext } from "./pod/context.ts";
import { CrashBackoff } from "./pod/crash-backoff.ts";
import { isTerminal, nameOf, namespaceOf, uidOf } from "./pod/pod.ts";
import { PodWorker } from "./pod/pod-worker.ts";
import { Prober } from "./probes/prober.ts";
import { latestContainer, readySandbox, RuntimePods } from "./runtime/runtime-pod.ts";
import type { PodAccess } from "./server/pod-access.ts";
import { StatusWriter } from "./status/status-writer.ts";
import { ObjectSource } from "./volumes/object-source.ts";
import { ServiceAccountTokens } from "./volumes/tokens.ts";
import { Volumes } from "./volumes/volumes.ts";

export interface KubeletOptions {
  /** With the identity of the node: system:node:<name>. */
  readonly client: Client;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the node object when it is registered: taints, podCIDR, unschedulable. */
  readonly nodeSpec?: Node["spec"];
  /** Everything that the node keeps lies below it. */
  readonly stateDir: string;
  readonly cri: Cri;
  /** Address of the cluster's DNS; without one, pods use the node's resolver. */
  readonly clusterDns?: string;
  readonly clusterDomain: string;
  /** Group below which the node's pods lie: "/" on a machine of its own, "/keelson-dev-node1" for one of several. */
  readonly cgroupRoot: string;
  /** Port of the node's HTTPS API, as the Node object tells it. */
  readonly port: number;
  /** Path of the resolver configuration that pods without the cluster's get. */
  readonly resolvConf?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly steps: Steps;
  /** Ends the kubelet; containers go on. */
  readonly signal: AbortSignal;
}

export interface Kubelet {
  /** What the node's HTTP API needs. */
  readonly pods: PodAccess;
  /** Resolves when the API server has the node as Ready. */
  readonly ready: Promise<void>;
  /** Resolves when everything has ended, after the signal. */
  readonly done: Promise<void>;
}

/** The runtime is compared with the pods so often, in case that an event was lost. */
const relistEveryMs = 60_000;

const readText = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // A node without such a file has nothing to pass on.
  }
};

/** Starts the kubelet of one node. Resolves at once; `ready` tells when the node is. */
export async function runKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { client, nodeName, nodeIp, stateDir, cri, clock, random, log, steps, signal } = options;
  const paths = nodePaths(stateDir);
  await mkdir(paths.logsDir, { recursive: true, mode: 0o755 });
  const machine = readMachine(stateDir);
  const allocatable = allocatableOf(machine);
  const hierarchies = findHierarchies();
  const cgroups = new Cgroups({ root: options.cgroupRoot, hierarchies });
  cgroups.prepare();

  const recorder = new EventRecorder({ client, clock, log, component: "kubelet", host: nodeName, signal });
  recorder.event({ apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeName }, "Normal", "Starting", "Starting kubelet.");
  const tracer = new Tracer({ component: "kubelet", steps, clock });
  const workers = new Map<string, PodWorker>();
  const wake = (uid: string): void => workers.get(uid)?.wake();

  const objects = new ObjectSource({ client, clock, random, log, changed: wake, signal });
  const tokens = new ServiceAccountTokens({ client, clock, random });
  const volumes = new Volumes({ podsDir: paths.podsDir, memoryDir: paths.memoryDir, objects, tokens, clock, random });
  const volumesReady = volumes.prepare();
  const runtimePods = new RuntimePods({ cri });
  const puller = new ImagePuller({ cri, clock, events: recorder });
  const prober = new Prober({ cri, clock, events: recorder, nodeIp, changed: (uid) => workers.get(uid)?.probed(), signal });
  const statuses = new StatusWriter({ client, clock, log, signal, written: (pod, status) => tracer.mark(uidOf(pod), "status written", { phase: status.phase ?? "" }) });

  const podInformer = new Informer<Pod>(pods, { client, clock, random, log, fieldSelector: `spec.nodeName=${nodeName}` });
  const serviceInformer = new Informer<Service>(services, { client, clock, random, log });
  const nodeInformer = new Informer<Node>(nodes, { client, clock, random, log, fieldSelector: `metadata.name=${nodeName}` }); // A node may see only itself.

  const context: PodContext = {
    cri, runtimeName: "containerd", runtimePods, cgroups, volumes, puller, prober, events: recorder, statuses, backoff: new CrashBackoff(), clock, tracer, log, paths,
    node: {
      nodeName, nodeIps: [nodeIp], clusterDns: options.clusterDns, clusterDomain: options.clusterDomain, allocatable,
      resources: { memoryBytes: machine.memoryBytes, swapControlled: swapControlled(hierarchies) },
      nodeResolvConf: () => readText(options.resolvConf ?? "/etc/resolv.conf"), nodeHosts: () => readText("/etc/hosts"),
    },
    resize: (pod) => admitResize(pod, [...workers.values()].filter((worker) => !worker.settled && worker.uid !== uidOf(pod)).map((worker) => worker.pod), allocatable),
    services: async (wanted) => {
      await serviceInformer.whenSynced(wanted);
      return serviceInformer.cache.list();
    },
    configMap: (pod, name) => objects.configMap(namespaceOf(pod), name, uidOf(pod)),
    secret: (pod, name) => objects.secret(namespaceOf(pod), name, uidOf(pod)),
  };

  /** Pods of the first list may have begun under an earlier kubelet; those that come later are new to the runtime too. */
  let listed = false;
  const start = (pod: Pod, removed = false): void => {
    const uid = uidOf(pod);
    const ending = removed || pod.metadata.deletionTimestamp !== undefined || isTerminal(pod);
    const others = [...workers.values()].filter((worker) => !worker.settled).map((worker) => worker.pod);
    const began = (pod.status?.containerStatuses ?? []).some(({ containerID }) => containerID !== undefined); // It was welcome before this kubelet started.
    const verdict = ending || began ? undefined : admit(pod, others, nodeInformer.cache.get(nodeName), allocatable);
    if (verdict) recorder.event(pod, "Warning", verdict.reason, verdict.message);
    const worker = new PodWorker(context, pod, { random, signal, removed, fresh: listed && !began && !removed, failed: verdict && { reason: verdict.reason, message: `Pod was rejected: ${verdict.message}`, rejected: true } });
    workers.set(uid, worker);
    cgroups.shareBurstable([...workers.values()].map((each) => each.pod));
    void worker.done.then(() => {
      if (workers.get(uid) === worker) workers.delete(uid);
      for (const other of workers.values()) if (other.waitsForRoom) other.wake();
    });
  };
  const changed = ({ previous, next }: { readonly previous: Pod | undefined; readonly next: Pod | undefined }): void => {
    if (previous && (!next || uidOf(previous) !== uidOf(next))) workers.get(uidOf(previous))?.remove();
    if (!next) return;
    const worker = workers.get(uidOf(next));
    if (worker) {
      worker.update(next);
      statuses.observed(next);
    } else start(next);
  };

  /** Pods that the runtime still has and the API no longer: this kubelet was away when they were deleted. */
  const removeOrphans = async (): Promise<void> => {
    for (const { uid, name, namespace, graceSeconds } of await runtimePods.list({ signal })) {
      if (workers.has(uid) || podInformer.cache.list().some((pod) => uidOf(pod) === uid)) continue;
      log.info("a pod of the runtime is not known to the API server any more", { pod: `${namespace}/${name}`, uid });
      start({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace, uid }, spec: { containers: [], terminationGracePeriodSeconds: graceSeconds } }, true);
    }
    const known = new Set(workers.keys());
    for (const uid of cgroups.podUids()) if (!known.has(uid)) cgroups.removeUid(uid);
    for (const uid of new Set([...readdirSync(paths.podsDir), ...readdirSync(paths.memoryDir)])) if (!known.has(uid)) await volumes.remove(uid, signal);
    for (const folder of readdirSync(paths.logsDir)) if (!known.has(folder.slice(folder.lastIndexOf("_") + 1))) await rm(`${paths.logsDir}/${folder}`, { recursive: true, force: true });
  };

  const runtimeChanged = async (id: string): Promise<void> => {
    try {
      const uid = [...workers.values()].find(({ runtime }) => runtime.containers.some((container) => container.id === id) || runtime.sandboxes.some((sandbox) => sandbox.id === id))?.uid;
      const owner = uid ?? (await runtimePods.uidOf(id, { signal }));
      if (owner !== undefined) wake(owner);
    } catch (error) {
      if (!signal.aborted) log.debug("an event of the runtime could not be read", { id, error });
    }
  };

  const updater = new NodeUpdater({
    client, cri, clock, log, events: recorder, nodeName, nodeIps: [nodeIp], machine, labels: options.labels ?? {}, ...(options.nodeSpec && { spec: options.nodeSpec }), port: options.port,
    observed: () => nodeInformer.cache.get(nodeName), signal,
  });

  const runPods = async (): Promise<void> => {
    await volumesReady;
    await podInformer.whenSynced(signal);
    podInformer.cache.onChange(changed);
    listed = true;
    while (!signal.aborted) {
      try {
        await removeOrphans();
      } catch (error) {
        if (signal.aborted) return;
        log.warn("the runtime's pods could not be listed", { error });
      }
      await clock.sleep(relistEveryMs, { signal }).catch(() => undefined); // Rejects only on abort, which the loop sees.
      if (signal.aborted) return;
      for (const worker of workers.values()) worker.wake();
      // A pod that the API still has is this node's business, whatever its worker thought when it left.
      for (const pod of podInformer.cache.list()) if (!workers.has(uidOf(pod))) start(pod);
    }
  };

  const done = Promise.allSettled([
    podInformer.run(signal), serviceInformer.run(signal), nodeInformer.run(signal), updater.run(),
    renewLease({ client, nodeName, owner: () => nodeInformer.cache.get(nodeName)?.metadata.uid, clock, random, log, signal }),
    watchRuntime({ cri, clock, log, signal, handle: ({ type, id }) => {
      if (type === "reconnected") for (const worker of workers.values()) worker.wake();
      else if (type !== "started") void runtimeChanged(id);
    } }),
    runPods(),
    rotateLogs({
      cri, limits: rotationLimits, clock, log, signal,
      running: () => [...workers.values()].flatMap(({ runtime }) => runtime.containers.filter(({ state, logPath }) => state === "running" && logPath !== "")),
    }),
  ]).then((results) => {
    for (const result of results) if (result.status === "rejected" && !signal.aborted) log.error("a part of the kubelet ended", { error: result.reason });
  });

  return {
    ready: updater.ready, done,
    pods: {
      list: () => [...workers.values()].map((worker) => worker.pod),
      find: (namespace, name) => [...workers.values()].map((worker) => worker.pod).findLast((pod) => nameOf(pod) === name && namespaceOf(pod) === namespace),
      sandboxId: async (uid) => readySandbox(await runtimePods.read(uid, { signal }))?.id,
      runningContainerId: async (uid, container) => {
        const latest = latestContainer(await runtimePods.read(uid, { signal }), container);
        return latest?.state === "running" ? latest.id : undefined;
      },
    },
  };
}
