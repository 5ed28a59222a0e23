/** The client library that most TypeScript programs use, over TLS with a client certificate, as it is. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  ApiException, AppsV1Api, AutoscalingV2Api, BatchV1Api, CoordinationV1Api, CoreV1Api, KubeConfig, KubernetesObjectApi, NetworkingV1Api, PatchStrategy, PolicyV1Api,
  RbacAuthorizationV1Api, SchedulingV1Api, StorageV1Api, VersionApi, Watch, makeInformer, setHeaderOptions, type KubernetesObject, type V1ConfigMap,
} from "@kubernetes/client-node";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";
import { podSpec, sampleObjects, selector, template } from "./sample-objects.ts";

let started: TestServer;
let config: KubeConfig;
const namespace = "default";

before(async () => {
  started = await startTestServer();
  const { url, pki } = started;
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "keelson", server: url, caData: base64(pki.ca.certificatePem) }],
    users: [{ name: "admin", certData: base64(pki.admin.certificatePem), keyData: base64(pki.admin.privateKeyPem) }],
    contexts: [{ name: "keelson", cluster: "keelson", user: "admin" }], currentContext: "keelson",
  });
});
after(async () => {
  const { complaints } = started;
  await started[Symbol.asyncDispose]();
  assert.deepEqual(complaints, []);
});

describe("objects of many kinds, found by discovery", () => {
  for (const [object, namespaced] of sampleObjects) {
    test(String(object.kind), async () => {
      const api = KubernetesObjectApi.makeApiClient(config);
      const metadata = { name: `client-node-${String(object.kind).toLowerCase()}`, ...(namespaced && { namespace }) };
      using followed = await follow(api, object, namespaced, metadata.name);
      const made: KubernetesObject = await api.create<KubernetesObject>({ ...object, metadata });
      assert.ok(made.metadata?.uid);
      const target = { apiVersion: object.apiVersion ?? "", kind: object.kind ?? "", metadata };
      assert.equal((await api.read<KubernetesObject>(target)).metadata?.uid, made.metadata?.uid);
      for (const [index, strategy] of [PatchStrategy.StrategicMergePatch, PatchStrategy.MergePatch].entries()) {
        const patched = await api.patch({ ...target, metadata: { ...metadata, labels: { [`way${index}`]: "x" } } }, undefined, undefined, undefined, undefined, strategy);
        assert.equal(patched.metadata?.labels?.[`way${index}`], "x");
      }
      const applied = await api.patch({ ...object, metadata: { ...metadata, annotations: { applied: "yes" } } }, undefined, undefined, "client-node", true, PatchStrategy.ServerSideApply);
      assert.equal(applied.metadata?.annotations?.["applied"], "yes");
      const replaced = await api.replace({ ...applied, metadata: { ...applied.metadata, name: metadata.name, labels: { replaced: "yes" } } });
      assert.deepEqual(Object.entries(replaced.metadata?.labels ?? {}).filter(([key]) => key !== "kubernetes.io/metadata.name"), [["replaced", "yes"]]);
      const { items } = await api.list(object.apiVersion ?? "", object.kind ?? "", namespaced ? namespace : undefined, undefined, undefined, undefined, undefined, "replaced=yes");
      assert.deepEqual(items.map((each) => each.metadata?.name), [metadata.name]);
      await api.delete(target);
      await followed.through;
      for (const heard of [followed.watched, followed.informed]) {
        assert.deepEqual([heard[0], heard.at(-1)], ["add", staysFor.has(String(object.kind)) ? "update" : "delete"], heard.join());
        assert.ok(heard.filter((each) => each === "update").length >= changes, heard.join());
      }
    });
  }
});

/** Two patches, an apply and a replace. */
const changes = 4;
/** No controllers run here, so that these wait for their finalizers: their deletion is one more update. */
const staysFor: ReadonlySet<string> = new Set(["Namespace", "PersistentVolumeClaim"]);
const isThrough = (kind: string, heard: readonly string[]): boolean => (staysFor.has(kind) ? heard.length > 1 + changes : heard.at(-1) === "delete");

/** A watch and an informer of the kind, both of the library, that note what becomes of one object. */
async function follow(api: KubernetesObjectApi, object: KubernetesObject, namespaced: boolean, name: string) {
  const [apiVersion = "", kind = ""] = [object.apiVersion, object.kind];
  const { metadata } = await api.list(apiVersion, kind, namespaced ? namespace : undefined);
  const plural = kind.endsWith("y") ? `${kind.slice(0, -1)}ies` : `${kind}${kind.endsWith("s") ? "es" : "s"}`;
  const path = `/${apiVersion.includes("/") ? "apis" : "api"}/${apiVersion}/${namespaced ? `namespaces/${namespace}/` : ""}${plural.toLowerCase()}`;
  const [watched, informed]: [string[], string[]] = [[], []];
  const [watchSaw, informerSaw] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const words: Readonly<Record<string, string>> = { ADDED: "add", MODIFIED: "update", DELETED: "delete" };
  const controller = await new Watch(config).watch(path, { resourceVersion: metadata?.resourceVersion ?? "" }, (phase: string, each: KubernetesObject) => {
    if (each.metadata?.name !== name) return;
    watched.push(words[phase] ?? phase);
    if (isThrough(kind, watched)) watchSaw.resolve();
  }, () => undefined);
  const informer = makeInformer<KubernetesObject>(config, path, () => api.list(apiVersion, kind, namespaced ? namespace : undefined));
  for (const verb of ["add", "update", "delete"] as const) {
    informer.on(verb, (each) => {
      if (each.metadata?.name !== name) return;
      informed.push(verb);
      if (isThrough(kind, informed)) informerSaw.resolve();
    });
  }
  informer.on("error", informerSaw.reject);
  await informer.start();
  return {
    watched, informed, through: Promise.all([watchSaw.promise, informerSaw.promise]),
    [Symbol.dispose]() {
      controller.abort();
      void informer.stop();
    },
  };
}

test("typed clients answer with typed objects, errors with Statuses", async () => {
  const core = config.makeApiClient(CoreV1Api);
  const pod = await core.createNamespacedPod({ namespace, body: { metadata: { name: "typed" }, spec: podSpec } });
  assert.ok(pod.metadata?.creationTimestamp instanceof Date);
  assert.equal(pod.spec?.containers[0]?.imagePullPolicy, "Always");
  await assert.rejects(core.createNamespacedPod({ namespace, body: { metadata: { name: "typed" }, spec: podSpec } }), (error) => error instanceof ApiException && error.code === 409 && /pods \\"typed\\" already exists/.test(String(error.body)));
  await assert.rejects(core.readNamespacedPod({ namespace, name: "nope" }), (error) => error instanceof ApiException && error.code === 404);
  const patched = await core.patchNamespacedPod({ namespace, name: "typed", body: [{ op: "add", path: "/metadata/labels", value: { a: "b" } }] }, setHeaderOptions("Content-Type", PatchStrategy.JsonPatch));
  assert.deepEqual(patched.metadata?.labels, { a: "b" });
  const status = await core.patchNamespacedPodStatus({ namespace, name: "typed", body: { status: { phase: "Running" } } }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
  assert.equal(status.status?.phase, "Running");
  const page = await core.listNamespacedPod({ namespace, limit: 1, labelSelector: "a=b" });
  assert.deepEqual([page.kind, page.items.length], ["PodList", 1]);
  await core.deleteNamespacedPod({ namespace, name: "typed", gracePeriodSeconds: 0 });

  const apps = config.makeApiClient(AppsV1Api);
  await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: "typed" }, spec: { replicas: 2, selector, template } } });
  const scale = await apps.readNamespacedDeploymentScale({ namespace, name: "typed" });
  const scaled = await apps.replaceNamespacedDeploymentScale({ namespace, name: "typed", body: { ...scale, spec: { replicas: 5 } } });
  assert.equal(scaled.spec?.replicas, 5);
  await apps.deleteCollectionNamespacedDeployment({ namespace, propagationPolicy: "Orphan" });

  assert.equal((await config.makeApiClient(VersionApi).getCode()).minor, "36");
  for (const list of [
    config.makeApiClient(BatchV1Api).listJobForAllNamespaces(), config.makeApiClient(AutoscalingV2Api).listHorizontalPodAutoscalerForAllNamespaces(),
    config.makeApiClient(CoordinationV1Api).listLeaseForAllNamespaces(), config.makeApiClient(NetworkingV1Api).listNetworkPolicyForAllNamespaces(),
    config.makeApiClient(PolicyV1Api).listPodDisruptionBudgetForAllNamespaces(), config.makeApiClient(SchedulingV1Api).listPriorityClass(),
    config.makeApiClient(StorageV1Api).listStorageClass(), config.makeApiClient(RbacAuthorizationV1Api).listClusterRole(),
  ]) assert.ok(Array.isArray((await list).items));
});

test("a watch tells of every change, and a bookmark of none", async () => {
  const core = config.makeApiClient(CoreV1Api);
  const { metadata } = await core.listNamespacedConfigMap({ namespace });
  const heard: string[] = [];
  const all = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<unknown>();
  const controller = await new Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, { resourceVersion: metadata?.resourceVersion ?? "", fieldSelector: "metadata.name=watched", allowWatchBookmarks: true }, (phase, object: V1ConfigMap) => {
    heard.push(`${phase} ${object.data?.["n"] ?? ""}`);
    if (heard.length === 3) all.resolve();
  }, ended.resolve);
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "watched" }, data: { n: "1" } } });
  await core.replaceNamespacedConfigMap({ namespace, name: "watched", body: { metadata: { name: "watched" }, data: { n: "2" } } });
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "unwatched" } } });
  await core.deleteNamespacedConfigMap({ namespace, name: "watched" });
  await all.promise;
  assert.deepEqual(heard, ["ADDED 1", "MODIFIED 2", "DELETED 2"]);
  controller.abort();
  await ended.promise;
});

test("an informer keeps up", async () => {
  const core = config.makeApiClient(CoreV1Api);
  const body = (name: string, n: string) => ({ metadata: { name, labels: { informed: "yes" } }, data: { n } });
  await core.createNamespacedConfigMap({ namespace, body: body("first", "1") });
  const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, () => core.listNamespacedConfigMap({ namespace, labelSelector: "informed=yes" }), "informed=yes");
  const heard: string[] = [];
  const gone = Promise.withResolvers<void>();
  for (const verb of ["add", "update", "delete"] as const) {
    informer.on(verb, ({ metadata, data }) => {
      heard.push(`${verb} ${metadata?.name ?? ""} ${data?.["n"] ?? ""}`);
      if (verb === "delete") gone.resolve();
    });
  }
  informer.on("error", gone.reject);
  await informer.start();
  await core.createNamespacedConfigMap({ namespace, body: body("second", "1") });
  await core.replaceNamespacedConfigMap({ namespace, name: "second", body: body("second", "2") });
  await core.deleteNamespacedConfigMap({ namespace, name: "first" });
  await gone.promise;
  await informer.stop();
  assert.deepEqual(heard, ["add first 1", "add second 1", "update second 2", "delete first 1"]);
  assert.deepEqual(informer.list(namespace).map(({ metadata }) => metadata?.name), ["second"]);
});
