/** All controllers against the real API server, in one process, each with the rights of its bootstrap role; the kubelet is played by the test. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { resources } from "../src/api/all.ts";
import { controllerrevisions, daemonsets, deployments, replicasets, statefulsets, type Deployment } from "../src/api/generated/apps-v1.ts";
import { jobs } from "../src/api/generated/batch-v1.ts";
import { configmaps, endpoints, events, namespaces, nodes, pods, serviceaccounts, services, type Pod } from "../src/api/generated/core-v1.ts";
import { endpointslices } from "../src/api/generated/discovery-v1.ts";
import { schemas } from "../src/api/schemas.ts";
import type { KubeObject, ResourceType } from "../src/apimachinery/object.ts";
import { isConflict, isNotFound } from "../src/apimachinery/status-error.ts";
import { formatTime } from "../src/apimachinery/time.ts";
import { Informers } from "../src/client/informers.ts";
import { TypedClient } from "../src/client/typed-client.ts";
import { bootstrapCluster } from "../src/kube-apiserver/bootstrap/bootstrap.ts";
import { clusterAccess } from "../src/kube-apiserver/cluster-access.ts";
import { startApiServer } from "../src/kube-apiserver/server.ts";
import { runControllerManager } from "../src/kube-controller-manager/run.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog, type Log } from "../src/stdx/log.ts";
import { cryptoRandom } from "../src/stdx/random.ts";
import { StepRing } from "../src/stdx/steps.ts";
import { MemoryStore } from "../src/storage/memory/memory-store.ts";

const giveUpMs = 20_000;

async function start() {
  const stop = new AbortController();
  const { signal } = stop;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const serviceAccount = { privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString() };
  const problems: string[] = [];
  const log: Log = { ...silentLog, warn: (message, fields) => void problems.push(`${message} ${JSON.stringify(fields?.["key"] ?? fields?.["object"] ?? fields?.["resource"])}: ${String(fields?.["error"])}`), error: (message, fields) => void problems.push(`${message}: ${String(fields?.["error"])}`), with: () => log };
  const trust = { clientCaPem: "", requestHeaderCaPem: "", requestHeaderAllowedNames: [] };
  const steps = new StepRing({ stepsMax: 10_000 });
  const common = { clock: systemClock, random: cryptoRandom, log };
  const server = await startApiServer({
    ...common, steps, store: new MemoryStore(), listeners: [], resources, schemas,
    access: clusterAccess({ ...common, ...trust, signal, serviceAccount, serviceAccountIssuer: "https://kubernetes.default.svc.cluster.local" }),
  });
  const admin = server.transport({ name: "admin", groups: ["system:masters", "system:authenticated"] });
  await bootstrapCluster({ transport: admin, service: { serviceIp: "10.96.0.1", addresses: ["10.0.0.1"], port: 6443 }, ...trust, signal });
  const clientFor = (name: string) => new TypedClient(server.transport({ name: `system:serviceaccount:kube-system:${name}`, groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"] }), { fieldManager: name });
  const manager = runControllerManager({
    ...common, steps, signal, client: new TypedClient(server.transport({ name: "system:kube-controller-manager", groups: ["system:authenticated"] })), clientFor,
    options: { rootCa: "PEM", clusterCidrs: [{ cidr: "10.244.0.0/16", nodeMaskSize: 24 }] },
  });
  manager.catch((error: unknown) => void problems.push(`the manager ended: ${String(error)}`));
  const client = new TypedClient(admin);
  const informers = new Informers({ ...common, client, signal });
  return {
    client, problems,
    /** Resolves when a change of these resources makes the check true. */
    async until(this: void, what: string, types: readonly ResourceType[], check: () => Promise<boolean>): Promise<void> {
      const done = Promise.withResolvers<void>();
      let waiting = Promise.resolve();
      const look = () => {
        waiting = waiting.then(async () => {
          if (await check().catch(() => false)) done.resolve();
        });
      };
      using listeners = new DisposableStack();
      for (const type of types) listeners.use(informers.of<KubeObject>(type).cache.onChange(look));
      look();
      const late = AbortSignal.timeout(giveUpMs);
      late.addEventListener("abort", () => done.reject(new Error(`${what} did not come true; problems:\n${problems.join("\n")}`)), { once: true });
      await done.promise;
    },
    /** A kubelet and a scheduler that need no time. */
    playNode(this: void, name: string): void {
      let address = 0;
      const act = async ({ metadata: { name: pod = "", namespace = "" } }: Pod) => {
        const now = await client.get(pods, { name: pod, namespace });
        if (now.metadata.deletionTimestamp !== undefined) await client.delete(pods, { name: pod, namespace }, { gracePeriodSeconds: 0 });
        else if (!now.spec?.nodeName) await client.post(pods, { name: pod, namespace }, "binding", { apiVersion: "v1", kind: "Binding", metadata: { name: pod, namespace }, target: { apiVersion: "v1", kind: "Node", name } });
        else if (now.spec.restartPolicy === "Never") {
          if (now.status?.phase !== "Succeeded") await client.updateStatus(pods, { ...now, status: { ...now.status, phase: "Succeeded" } });
        } else if (now.status?.phase !== "Running") {
          const ip = `10.244.0.${++address}`;
          await client.updateStatus(pods, { ...now, status: { ...now.status, phase: "Running", podIP: ip, podIPs: [{ ip }], conditions: [{ type: "Ready", status: "True", lastTransitionTime: formatTime(Date.now()) }] } });
        }
      };
      informers.of(pods).cache.onChange(({ next }) => {
        if (next) act(next).catch((error: unknown) => {
          if (!signal.aborted && !isNotFound(error) && !isConflict(error)) problems.push(`kubelet: ${String(error)}`);
        });
      });
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the test is over"));
      await manager.catch(() => undefined);
      await server[Symbol.asyncDispose]();
    },
  };
}

test("a Job completes, and is deleted with its pods when its time is over", async () => {
  await using cluster = await start();
  const { client, until, playNode } = cluster;
  await client.create(nodes, { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
  await until("pods can be made", [serviceaccounts], async () => Boolean(await client.get(serviceaccounts, { name: "default", namespace: "default" })));
  playNode("n1");
  const at = { name: "sum", namespace: "default" };
  await client.create(jobs, {
    apiVersion: "batch/v1", kind: "Job", metadata: at,
    spec: { completions: 5, parallelism: 3, completionMode: "Indexed", ttlSecondsAfterFinished: 1, template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "a" }] } } },
  });
  await until("the job is complete", [jobs], async () => {
    const { status } = await client.get(jobs, at);
    return status?.succeeded === 5 && status.completedIndexes === "0-4" && (status.conditions?.some(({ type }) => type === "Complete") ?? false);
  });
  await until("nothing of the job is left", [jobs, pods], async () => (await client.list(jobs, { namespace: "default" })).items.length + (await client.list(pods, { namespace: "default" })).items.length === 0);
  assert.deepEqual(cluster.problems, []);
});

test("a DaemonSet and a StatefulSet come up, are updated, and are stable then", async () => {
  await using cluster = await start();
  const { client, until, playNode } = cluster;
  await client.create(nodes, { apiVersion: "v1", kind: "Node", metadata: { name: "n1" }, status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: formatTime(Date.now()) }] } });
  await until("pods can be made", [serviceaccounts], async () => Boolean(await client.get(serviceaccounts, { name: "default", namespace: "default" })));
  playNode("n1");
  const template = (image: string) => ({ metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image }] } });
  const selector = { matchLabels: { app: "x" } };
  const [daemon, state] = [{ name: "agent", namespace: "default" }, { name: "db", namespace: "default" }];
  await client.create(daemonsets, { apiVersion: "apps/v1", kind: "DaemonSet", metadata: daemon, spec: { selector, template: template("a") } });
  await client.create(statefulsets, { apiVersion: "apps/v1", kind: "StatefulSet", metadata: state, spec: { serviceName: "db", replicas: 2, selector, template: template("a") } });
  const areUpToDate = async () => {
    const [{ status: first, metadata: one }, { status: second, metadata: two }] = [await client.get(daemonsets, daemon), await client.get(statefulsets, state)];
    return first?.observedGeneration === one.generation && first?.updatedNumberScheduled === 1 && first?.numberAvailable === 1
      && second?.observedGeneration === two.generation && second?.readyReplicas === 2 && second?.currentRevision === second?.updateRevision && second?.updatedReplicas === 2;
  };
  await until("both are up", [daemonsets, statefulsets], areUpToDate);
  await client.patch(daemonsets, daemon, "application/merge-patch+json", { spec: { template: template("b") } });
  await client.patch(statefulsets, state, "application/merge-patch+json", { spec: { template: template("b") } });
  await until("both are updated", [daemonsets, statefulsets], areUpToDate);
  assert.deepEqual((await client.list(pods)).items.map(({ spec }) => spec?.containers[0]?.image), ["b", "b", "b"]);
  assert.equal((await client.list(controllerrevisions)).items.length, 4);
  assert.deepEqual(cluster.problems, []);
});

test("a namespace, a Deployment behind a Service, a rollout, and the end of all of it", async () => {
  await using cluster = await start();
  const { client, until, playNode } = cluster;
  await client.create(nodes, { apiVersion: "v1", kind: "Node", metadata: { name: "n1" }, status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: formatTime(Date.now()) }] } });
  await until("the node has addresses", [nodes], async () => (await client.get(nodes, { name: "n1" })).spec?.podCIDR === "10.244.0.0/24");
  playNode("n1");

  await client.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } });
  await until("the namespace is furnished", [serviceaccounts, configmaps], async () => {
    await client.get(serviceaccounts, { name: "default", namespace: "team" });
    return (await client.get(configmaps, { name: "kube-root-ca.crt", namespace: "team" })).data?.["ca.crt"] === "PEM";
  });

  const web = (image: string): Deployment => ({
    apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace: "team" },
    spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image, ports: [{ name: "http", containerPort: 8080 }] }] } } },
  });
  const at = { name: "web", namespace: "team" };
  await client.create(services, { apiVersion: "v1", kind: "Service", metadata: at, spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] } });
  await client.create(deployments, web("a"));
  const isRolledOut = async () => {
    const { metadata, status, spec } = await client.get(deployments, at);
    return status?.observedGeneration === metadata.generation && status?.updatedReplicas === spec?.replicas && status?.replicas === spec?.replicas && status?.availableReplicas === spec?.replicas
      && status?.conditions?.find(({ type }) => type === "Progressing")?.reason === "NewReplicaSetAvailable";
  };
  await until("the deployment is complete", [deployments], isRolledOut);
  await until("all pods are endpoints", [endpointslices, endpoints], async () => {
    const slices = (await client.list(endpointslices, { namespace: "team", labelSelector: "kubernetes.io/service-name=web" })).items;
    const ready = slices.flatMap((slice) => slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready);
    return ready.length === 3 && (await client.get(endpoints, at)).subsets?.[0]?.addresses?.length === 3;
  });

  await client.patch(deployments, at, "application/merge-patch+json", { spec: web("b").spec });
  await until("the rollout is complete", [deployments], async () => (await isRolledOut()) && (await client.get(deployments, at)).metadata.annotations?.["deployment.kubernetes.io/revision"] === "2");
  assert.deepEqual([...new Set((await client.list(pods, { namespace: "team" })).items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ spec }) => spec?.containers[0]?.image))], ["b"]);
  assert.equal((await client.list(replicasets, { namespace: "team" })).items.length, 2);
  assert.ok((await client.list(events, { namespace: "team" })).items.some(({ message, source }) => source?.component === "deployment-controller" && message?.startsWith("Scaled up replica set web-")));

  await client.delete(deployments, at, { propagationPolicy: "Foreground" });
  await until("nothing of the deployment is left", [deployments, replicasets, pods], async () => (await client.list(deployments, { namespace: "team" })).items.length + (await client.list(replicasets, { namespace: "team" })).items.length + (await client.list(pods, { namespace: "team" })).items.length === 0);

  await client.create(deployments, web("c"));
  await until("the deployment is complete again", [deployments], isRolledOut);
  await client.delete(namespaces, { name: "team" });
  await until("the namespace is gone", [namespaces], async () => client.get(namespaces, { name: "team" }).then(() => false, isNotFound));
  assert.deepEqual(cluster.problems, []);
});
