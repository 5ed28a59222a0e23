import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pods } from "../src/api/generated/core-v1.ts";
import type { KubeObject } from "../src/apimachinery/object.ts";
import { StoredForm } from "../src/kube-apiserver/cache/cache-entry.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog } from "../src/stdx/log.ts";
import { openStore } from "../src/storage/open-store.ts";
import { inOwnProcess, pssBytes } from "./cluster.ts";
import type { LoadFigure, LoadInput } from "./load.ts";
import { loneServer, type LoneServer } from "./lone-server.ts";
import type { LoopFigure } from "./loop-watch.ts";
import { megabytes, p99, type Row } from "./table.ts";

const nodeCount = 5_000;
const namespaceCount = 100;
/** Nothing else may be held up for longer. */
const stretchMsMax = 20;
const settleMs = 15_000;
const probeEveryMs = 5;

/** As many pods as the largest cluster that upstream promises to serve, or fewer to try it out: how long a single request holds up all others. */
export async function benchStretches({ podCount = 150_000, only = "" } = {}): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "kb-loop-"));
  const file = join(folder, "loop.json");
  try {
    await using server = await loneServer({
      fill: (path) => fillPods(path, podCount), nodeFlags: [`--import=${join(import.meta.dirname, "loop-watch.ts")}`, "--max-old-space-size=8192"], env: { KEELSON_BENCH_LOOP: file }, startMsMax: 180_000,
    });
    const load = loadOf(server);
    const figure = async (): Promise<LoopFigure> => {
      rmSync(file, { force: true });
      process.kill(server.pid, "SIGUSR2");
      while (!existsSync(file)) await systemClock.sleep(5, { signal: AbortSignal.timeout(60_000) });
      return JSON.parse(readFileSync(file, "utf8")) as LoopFigure;
    };
    const many = podCount.toLocaleString("en");
    const rows: Row[] = [];
    await figure();
    await systemClock.sleep(settleMs, { signal: AbortSignal.timeout(settleMs * 2) });
    const atStart = await figure();
    rows.push({ what: `${many} pods: after /readyz, while controllers and scheduler take them in`, measured: `longest stretch ${atStart.longestCpuMs.toFixed(0)} ms of CPU`, raw: `ready after ${(server.readyMs / 1000).toFixed(1)} s; ${collections(atStart)}; memory ${megabytes(pssBytes(server.pid))}` });
    const all = "/api/v1/pods";
    for (const [what, input] of Object.entries<Partial<LoadInput>>({
      "list of all as JSON": { path: all, inFlight: 1, requestsMax: 2 },
      "list of all as JSON, 4 clients": { path: `${all}?resourceVersion=0`, inFlight: 4, connections: 4, requestsMax: 4 },
      "list of all as protobuf": { path: all, accept: "application/vnd.kubernetes.protobuf", inFlight: 1, requestsMax: 2 },
      "list of all as a table": { path: all, accept: "application/json;as=Table;g=meta.k8s.io;v=v1", inFlight: 1, requestsMax: 2 },
      "list by a label": { path: `${all}?labelSelector=app%3Dapp-7`, inFlight: 4, requestsMax: 8 },
      "list by a node": { path: `${all}?fieldSelector=spec.nodeName%3Dnode-7`, inFlight: 16, requestsMax: 2000 },
      "lists of 500 of them": { path: `${all}?limit=500`, inFlight: 8, requestsMax: 200 },
      "watches with the state at the start, 3 clients": { path: `${all}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=30`, inFlight: 3, connections: 3, requestsMax: 3, untilText: "k8s.io/initial-events-end" },
      "list of all that nobody reads": { path: all, inFlight: 2, requestsMax: 2, unread: true, durationMs: 5_000 },
      "creates, 64 in flight": { method: "POST", path: "/api/v1/namespaces/default/configmaps", body: JSON.stringify({ metadata: { name: "stretch-%d" }, data: { text: "x".repeat(1500) } }), inFlight: 64, durationMs: 5_000 },
    })) {
      if (!what.includes(only)) continue;
      await figure();
      using probe = probing(server);
      const began = performance.now();
      const loaded = await load(input).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
      if (loaded instanceof Error) {
        rows.push({ what: `${many} pods: ${what}`, measured: "was not answered", raw: /Error: (.*)/.exec(loaded.message)?.[1] ?? "", budget: `${stretchMsMax} ms`, met: false });
        continue;
      }
      const { requests, bytes } = loaded;
      const seconds = (performance.now() - began) / 1000;
      const seen = await figure();
      const { longestMs, longestCpuMs, p99Ms, over20Ms } = seen;
      rows.push({
        what: `${many} pods: ${what}`, measured: `longest stretch ${longestCpuMs.toFixed(0)} ms of CPU`,
        raw: `over 20 ms: ${over20Ms}, ${collections(seen)}; by the clock: longest ${longestMs.toFixed(0)} ms, p99 ${p99Ms.toFixed(1)} ms; get meanwhile: p99 ${probe.p99().toFixed(1)} ms; ${requests} in ${seconds.toFixed(1)} s, ${megabytes(bytes)}`,
        budget: `${stretchMsMax} ms`, met: longestCpuMs <= stretchMsMax,
      });
    }
    rows.push({ what: `${many} pods: memory of the server after all that (PSS)`, measured: megabytes(pssBytes(server.pid)), raw: `${(pssBytes(server.pid) / podCount / 1000).toFixed(1)} KB per pod` });
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const collections = ({ longestMinorGcMs, longestMajorGcMs }: LoopFigure): string => `GC ${longestMinorGcMs.toFixed(0)} (young) and ${longestMajorGcMs.toFixed(0)} ms`;

const loadOf = ({ spec, transport }: LoneServer) => (input: Partial<LoadInput>): Promise<LoadFigure> => {
  const { certificateAuthority: ca = "", clientCertificate: certificate = "", clientKey: key = "" } = transport.connection;
  return inOwnProcess<LoadFigure>("load.ts", { origin: `https://127.0.0.1:${spec.apiPort}`, ca, certificate, key, method: "GET", firstNumber: 0, inFlight: 1, connections: 1, durationMs: 60_000, ...input });
};

/** Gets one object again and again, as somebody would who has nothing to do with all that. */
function probing({ transport }: LoneServer): { p99(): number } & Disposable {
  const taken: number[] = [];
  const stop = new AbortController();
  void (async () => {
    while (!stop.signal.aborted) {
      const began = performance.now();
      await transport.request({ verb: "get", group: "", version: "v1", resource: "namespaces", name: "default", signal: stop.signal });
      taken.push(performance.now() - began);
      await systemClock.sleep(probeEveryMs, { signal: stop.signal });
    }
  })().catch(() => {}); // It ends with the load beside it.
  return { p99: () => p99(taken), [Symbol.dispose]: () => stop.abort() };
}

/** Puts running pods, as a scheduler and kubelets leave them, into a store that no server has opened yet. */
export async function fillPods(path: string, podCount: number): Promise<void> {
  await using store = await openStore({ store: `sqlite:${path}` }, { clock: systemClock, log: silentLog });
  const form = new StoredForm(pods);
  const inFlight = 2_000;
  for (let from = 0; from < podCount; from += inFlight) {
    await Promise.all(Array.from({ length: Math.min(inFlight, podCount - from) }, (_, index) => {
      const pod = runningPod(from + index);
      return store.put(`/registry/pods/${pod.metadata.namespace ?? ""}/${pod.metadata.name ?? ""}`, form.encode(pod), { expected: 0 });
    }));
  }
}

export function runningPod(number: number): KubeObject {
  const at = "2026-01-01T00:00:00Z";
  const app = `app-${number % 1_000}`;
  const address = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
  const token = { name: "kube-api-access", projected: { defaultMode: 420, sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: "token" } }, { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } }, { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } }] } };
  return {
    apiVersion: "v1", kind: "Pod",
    metadata: {
      name: `${app}-${number}`, namespace: `space-${number % namespaceCount}`, uid: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`, creationTimestamp: at, labels: { app, "pod-template-hash": "abc" },
      managedFields: [{ manager: "kube-controller-manager", operation: "Update", apiVersion: "v1", time: at, fieldsType: "FieldsV1", fieldsV1: { "f:metadata": { "f:labels": { ".": {}, "f:app": {}, "f:pod-template-hash": {} } }, "f:spec": { "f:containers": { "k:{\"name\":\"main\"}": { ".": {}, "f:image": {}, "f:name": {}, "f:resources": { ".": {}, "f:requests": { ".": {}, "f:cpu": {} } } } }, "f:restartPolicy": {} } } }],
    },
    spec: {
      nodeName: `node-${number % nodeCount}`, restartPolicy: "Always", dnsPolicy: "ClusterFirst", schedulerName: "default-scheduler", serviceAccountName: "default", serviceAccount: "default", securityContext: {}, terminationGracePeriodSeconds: 30, enableServiceLinks: true, preemptionPolicy: "PreemptLowerPriority", priority: 0,
      containers: [{ name: "main", image: "registry.example/app:1", imagePullPolicy: "IfNotPresent", resources: { requests: { cpu: "100m", memory: "64Mi" } }, terminationMessagePath: "/dev/termination-log", terminationMessagePolicy: "File", volumeMounts: [{ name: token.name, readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }] }],
      tolerations: ["not-ready", "unreachable"].map((taint) => ({ key: `node.kubernetes.io/${taint}`, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 })), volumes: [token],
    },
    status: {
      phase: "Running", qosClass: "Burstable", startTime: at, podIP: address, podIPs: [{ ip: address }], hostIP: "10.222.0.2", hostIPs: [{ ip: "10.222.0.2" }],
      conditions: ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"].map((type) => ({ type, status: "True", lastProbeTime: null, lastTransitionTime: at })),
      containerStatuses: [{ name: "main", image: "registry.example/app:1", imageID: "sha256:0", containerID: `containerd://${number}`, ready: true, started: true, restartCount: 0, lastState: {}, state: { running: { startedAt: at } } }],
    },
  } as unknown as KubeObject;
}
