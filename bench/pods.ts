import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pods, type Pod } from "../src/api/generated/core-v1.ts";
import { TypedClient } from "../src/client/typed-client.ts";
import { containerdPaths } from "../src/cri/containerd/config.ts";
import { connectCri, type Cri } from "../src/cri/cri.ts";
import { pauseImageName } from "../src/cri/oci/pause.ts";
import { systemClock } from "../src/stdx/clock.ts";
import type { BenchCluster } from "./cluster.ts";
import { median, ms, type Row } from "./table.ts";

const sequential = 15;
const atOnce = 20;
const rounds = 3;

/** POST of a pod to Ready seen on a watch, beside a client that makes the same sandbox and container on the same containerd by itself; the two take turns. */
export async function benchPods(cluster: BenchCluster): Promise<Row[]> {
  const { spec, paths, transport } = cluster;
  const [node] = spec.nodes;
  if (!node) throw new Error("the cluster has no node");
  using cri = connectCri({ socket: containerdPaths(paths.node(node.name)).socket });
  const client = new TypedClient(transport);
  using watched = watchPods(client);
  using files = podFiles();
  let number = 0;

  const ours = async (count: number): Promise<number> => {
    const names = Array.from({ length: count }, () => `bench-${number++}`);
    const ready = Promise.all(names.map((name) => watched.ready(name)));
    const began = performance.now();
    await Promise.all(names.map((name) => client.create(pods, podNamed(name))));
    await ready;
    const took = performance.now() - began;
    const gone = Promise.all(names.map((name) => watched.gone(name)));
    await Promise.all(names.map((name) => client.delete(pods, { name, namespace: "default" }, { gracePeriodSeconds: 0 })));
    await gone;
    await untilNoSandboxes(cri);
    return took;
  };
  const bare = async (count: number, like?: PodFiles): Promise<number> => {
    const names = Array.from({ length: count }, () => `bare-${number++}`);
    const began = performance.now();
    const sandboxes = await Promise.all(names.map((name) => runBare(cri, name, like)));
    const took = performance.now() - began;
    await Promise.all(sandboxes.map(async (podSandboxId) => {
      await cri.stopPodSandbox({ podSandboxId });
      await cri.removePodSandbox({ podSandboxId });
    }));
    return took;
  };
  const turns = async (count: number, times: number): Promise<{ readonly ours: number; readonly bare: number; readonly alike: number }> => {
    const taken: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < times; round++) {
      taken[0].push(await ours(count));
      taken[1].push(await bare(count));
      taken[2].push(await bare(count, files));
    }
    return { ours: median(taken[0]), bare: median(taken[1]), alike: median(taken[2]) };
  };

  await ours(1);
  await bare(1, files);
  const one = await turns(1, sequential);
  const many = await turns(atOnce, rounds);
  const raw = ({ bare: least, alike, ours: own }: typeof one) => `bare CRI client: ${ms(least)}; with log, seccomp and mounts as any pod has them: ${ms(alike)} (${(own / alike).toFixed(2)})`;
  return [
    { what: "POST of a pod to Ready on a watch", measured: ms(one.ours), raw: raw(one), ratio: one.ours / one.bare, budget: "1.25 × bare CRI", met: one.ours <= 1.25 * one.bare },
    { what: `${atOnce} pods at once, all Ready`, measured: ms(many.ours), raw: raw(many), ratio: many.ours / many.bare, budget: "1,500 ms", met: many.ours <= 1500 },
  ];
}

const podNamed = (name: string): Pod => ({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" }, spec: { containers: [{ name: "main", image: pauseImageName, imagePullPolicy: "IfNotPresent" }] } });

/** Sandbox with a network, container, start: the least that a pod is. `files`: also what every pod of Kubernetes gets, whose making takes the runtime longer. */
async function runBare(cri: Cri, name: string, files?: PodFiles): Promise<string> {
  const seccomp = { profileType: "RuntimeDefault" } as const;
  const config = {
    metadata: { name, namespace: "default", uid: name, attempt: 0 }, hostname: name,
    ...(files && { logDirectory: files.logs }),
    linux: { securityContext: { namespaceOptions: {}, ...(files && { seccomp }) } },
  };
  const { podSandboxId } = await cri.runPodSandbox({ config });
  const { containerId } = await cri.createContainer({
    podSandboxId, sandboxConfig: config,
    config: {
      metadata: { name: "main", attempt: 0 }, image: { image: pauseImageName },
      ...(files && { logPath: `${name}.log`, mounts: files.mounts, linux: { securityContext: { namespaceOptions: {}, seccomp } } }),
    },
  });
  await cri.startContainer({ containerId });
  return podSandboxId;
}

interface PodFiles extends Disposable {
  readonly logs: string;
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string; readonly readonly: boolean }[];
}

/** A log, /etc/hosts, a file for last words, a folder with a token: what a kubelet mounts into any container. */
function podFiles(): PodFiles {
  const folder = mkdtempSync(join(tmpdir(), "kb-pod-"));
  for (const each of ["logs", "token"]) mkdirSync(join(folder, each));
  for (const each of ["hosts", "last-words"]) writeFileSync(join(folder, each), "");
  return {
    logs: join(folder, "logs"),
    mounts: [
      { containerPath: "/etc/hosts", hostPath: join(folder, "hosts"), readonly: false }, { containerPath: "/dev/termination-log", hostPath: join(folder, "last-words"), readonly: false },
      { containerPath: "/var/run/secrets/kubernetes.io/serviceaccount", hostPath: join(folder, "token"), readonly: true },
    ],
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function untilNoSandboxes(cri: Cri): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  while ((await cri.listPodSandbox({})).items.length > 0) await systemClock.sleep(20, { signal });
}

interface WatchedPods extends Disposable {
  ready(name: string): Promise<void>;
  gone(name: string): Promise<void>;
}

function watchPods(client: TypedClient): WatchedPods {
  const waiting = new Map<string, () => void>();
  const events = client.watch<Pod>(pods, { namespace: "default" });
  void (async () => {
    for await (const { type, object } of events) {
      if (type === "ERROR") return;
      const name = object.metadata.name ?? "";
      const ready = (object as Pod).status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true;
      const event = type === "DELETED" ? `gone ${name}` : ready ? `ready ${name}` : "";
      waiting.get(event)?.();
      waiting.delete(event);
    }
  })().catch(() => {}); // Whoever waits runs into its own limit of time.
  const wait = (event: string) => new Promise<void>((resolve, reject) => {
    const late = AbortSignal.timeout(60_000);
    late.addEventListener("abort", () => reject(new Error(`${event}: not seen within a minute`)));
    waiting.set(event, resolve);
  });
  return { ready: (name) => wait(`ready ${name}`), gone: (name) => wait(`gone ${name}`), [Symbol.dispose]: () => events[Symbol.dispose]() };
}
