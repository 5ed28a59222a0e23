import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leases, type Lease } from "../../src/api/generated/coordination-v1.ts";
import { nodes, pods, type Pod } from "../../src/api/generated/core-v1.ts";
import { isConflict, isNotFound } from "../../src/apimachinery/status-error.ts";
import { formatMicroTime, formatTime } from "../../src/apimachinery/time.ts";
import { EventRecorder } from "../../src/client/event-recorder.ts";
import { Informers } from "../../src/client/informers.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { runControllerManager } from "../../src/kube-controller-manager/run.ts";
import { runScheduler } from "../../src/kube-scheduler/scheduler.ts";
import { every, systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { cryptoRandom } from "../../src/stdx/random.ts";
import { Tracer } from "../../src/stdx/steps.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "../api-server/fixture.ts";
import { kubectlPath } from "../support/kubectl.ts";

/** Why tests with stock kubectl cannot run here; undefined when they can. */
export const noKubectl: string | undefined = existsSync(kubectlPath) ? undefined : `stock kubectl 1.36 is missing at ${kubectlPath}; test/support/setup.ts brings it`;

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface KubectlOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command after this; what it printed until then is the result. */
  readonly forMs?: number;
}

export interface ControlPlane extends AsyncDisposable {
  readonly started: TestServer;
  readonly client: TypedClient;
  readonly folder: string;
  readonly kubeconfig: string;
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<Ran>;
}

const group = (name: string) => ({ name, groups: ["system:masters", "system:authenticated"] });
const serviceAccount = (name: string) => ({ name: `system:serviceaccount:kube-system:${name}`, groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"] });

/** API server, controllers and scheduler in this process, with ready nodes whose kubelets are played: a pod runs as soon as it is bound, and is gone as soon as it is to end. */
export async function startControlPlane({ nodeNames = ["n1", "n2"], ...options }: { readonly nodeNames?: readonly string[] } & TestServerOptions = {}): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), "keelson-kubectl-"));
  const started = await startTestServer(options);
  const { server, pki, url, steps } = started;
  const stop = new AbortController();
  const { signal } = stop;
  const common = { clock: systemClock, random: cryptoRandom, log: silentLog, signal };
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, JSON.stringify({
    apiVersion: "v1", kind: "Config", "current-context": "keelson",
    clusters: [{ name: "keelson", cluster: { server: url, "certificate-authority-data": base64(pki.ca.certificatePem) } }],
    users: [{ name: "admin", user: { "client-certificate-data": base64(pki.admin.certificatePem), "client-key-data": base64(pki.admin.privateKeyPem) } }],
    contexts: [{ name: "keelson", context: { cluster: "keelson", user: "admin" } }],
  }));

  const client = new TypedClient(server.transport(group("kubelets")), { fieldManager: "kubelet" });
  const seen = formatTime(Date.now());
  for (const [index, name] of nodeNames.entries()) {
    await client.create(nodes, { apiVersion: "v1", kind: "Node", metadata: { name, labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" } } });
    const made = await client.get(nodes, { name });
    await client.updateStatus(nodes, {
      ...made,
      status: {
        capacity: { cpu: "8", memory: "16Gi", pods: "110" }, allocatable: { cpu: "8", memory: "16Gi", pods: "110" },
        addresses: [{ type: "InternalIP", address: `192.0.2.${index + 10}` }, { type: "Hostname", address: name }],
        conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status", lastHeartbeatTime: seen, lastTransitionTime: seen }],
        nodeInfo: { machineID: "", systemUUID: "", bootID: "", kernelVersion: "6.1.0", osImage: "Debian", containerRuntimeVersion: "containerd://1.6.20", kubeletVersion: "v1.36.0", kubeProxyVersion: "", operatingSystem: "linux", architecture: "amd64" },
      },
    });
  }

  const informersOf = (name: string) => new Informers({ client: new TypedClient(server.transport(group(name)), { fieldManager: name }), ...common });
  const controllers = informersOf("kube-controller-manager");
  const scheduling = informersOf("kube-scheduler");
  const running = Promise.all([
    runControllerManager({
      client: controllers.client, informers: controllers, steps, ...common, clientFor: (name) => new TypedClient(server.transport(serviceAccount(name)), { fieldManager: "kube-controller-manager" }),
      options: { rootCa: pki.ca.certificatePem, clusterCidrs: [{ cidr: "10.244.0.0/16", nodeMaskSize: 24 }] },
    }),
    runScheduler({ informers: scheduling, ...common, tracer: new Tracer({ component: "kube-scheduler", steps, clock: systemClock }), events: new EventRecorder({ client: scheduling.client, clock: systemClock, log: silentLog, component: "default-scheduler", signal }) }),
  ]).catch((error: unknown) => {
    if (!signal.aborted) started.complaints.push(`a component ended: ${String(error)}`);
  });
  const beat = () => Promise.all(nodeNames.map(async (name) => {
    const lease: Lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace: "kube-node-lease" }, spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: formatMicroTime(Date.now()) } };
    await client.patch(leases, { name, namespace: "kube-node-lease" }, "application/merge-patch+json", { spec: lease.spec }).catch((error: unknown) => {
      if (isNotFound(error)) return client.create(leases, lease);
      throw error;
    });
  })).catch((error: unknown) => {
    if (!signal.aborted) started.complaints.push(`a lease was not renewed: ${String(error)}`);
  });
  await beat();
  const heart = every(5_000, () => void beat());
  playKubelets(client, new Informers({ client, ...common }), (problem) => {
    if (!signal.aborted) started.complaints.push(problem);
  });

  return {
    started, client, folder, kubeconfig,
    kubectl: (args, { input, env, forMs } = {}) => new Promise((resolve, reject) => {
      const child = spawn(kubectlPath, args, { cwd: folder, env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: folder, KUBECONFIG: kubeconfig, TZ: "UTC", ...env }, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
      let [out, err] = ["", ""];
      child.stdout?.setEncoding("utf8").on("data", (text: string) => void (out += text));
      child.stderr?.setEncoding("utf8").on("data", (text: string) => void (err += text));
      child.stdin?.on("error", () => undefined);
      if (input !== undefined) child.stdin?.end(input);
      const late = setTimeout(() => child.kill(), forMs ?? 30_000);
      child.on("error", reject);
      child.on("close", (code) => {
        clearTimeout(late);
        resolve({ code: code ?? -1, out, err });
      });
    }),
    async [Symbol.asyncDispose]() {
      heart[Symbol.dispose]();
      stop.abort(new Error("the test is over"));
      await running;
      await started[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function playKubelets(client: TypedClient, informers: Informers, complain: (problem: string) => void): void {
  let address = 0;
  const act = async ({ metadata: { name = "", namespace = "" } }: Pod) => {
    const now = await client.get(pods, { name, namespace });
    if (!now.spec?.nodeName) return;
    if (now.metadata.deletionTimestamp !== undefined) await client.delete(pods, { name, namespace }, { gracePeriodSeconds: 0 });
    else if (now.spec.restartPolicy === "Never") {
      if (now.status?.phase !== "Succeeded") await client.updateStatus(pods, { ...now, status: { ...now.status, phase: "Succeeded" } });
    } else if (now.status?.phase !== "Running") {
      const ip = `10.244.9.${++address}`;
      const at = formatTime(Date.now());
      await client.updateStatus(pods, {
        ...now,
        status: {
          ...now.status, phase: "Running", podIP: ip, podIPs: [{ ip }], hostIP: "192.0.2.10", startTime: at,
          conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({ type, status: "True", lastTransitionTime: at })),
          containerStatuses: now.spec.containers.map(({ name: container, image = "" }) => ({ name: container, image, imageID: image, ready: true, started: true, restartCount: 0, state: { running: { startedAt: at } } })),
        },
      });
    }
  };
  informers.of(pods).cache.onChange(({ next }) => {
    if (next) act(next).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) complain(`kubelet: ${String(error)}`);
    });
  });
}
