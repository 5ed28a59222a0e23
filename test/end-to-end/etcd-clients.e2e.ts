// Clients whose server is killed, or stops: stock kubectl, the library of most TypeScript programs, and our own informer go on with another server of the same etcd.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CoreV1Api, KubeConfig, makeInformer, type V1ConfigMap } from "@kubernetes/client-node";
import { configmaps, namespaces, type ConfigMap } from "../../src/api/generated/core-v1.ts";
import { isAlreadyExists } from "../../src/apimachinery/status-error.ts";
import { Informers } from "../../src/client/informers.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { seededRandom } from "../../src/stdx/random.ts";
import { EtcdCluster } from "../etcd/etcd-cluster.ts";
import { Relay } from "../etcd/relay.ts";
import { ServerProcesses, skip, timed } from "../etcd/server-processes.ts";
import { ensureKubectl } from "../support/kubectl.ts";
import { Running, until } from "../support/programs.ts";

const namespace = "default";
const map = (name: string): ConfigMap => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels: { of: "test" } } });

test("clients that lose their server miss nothing", { skip, timeout: 180_000 }, async (t) => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "keelson-etcd-clients-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const etcd = stack.use(await EtcdCluster.start());
  const servers = stack.use(new ServerProcesses(etcd.urls));
  const note = (text: string): void => t.diagnostic(text);
  const ready = async (server: Awaited<ReturnType<ServerProcesses["start"]>>): Promise<void> => {
    await timed("a server answers", () => server.client.get(namespaces, { name: namespace }), { note, said: server.said });
  };
  const [first, second] = [await servers.start(), await servers.start()];
  await ready(first);
  await ready(second);
  const relay = stack.use(await Relay.start(first.port));

  // Our own informer, by way of the relay.
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const informer = new Informers({ client: servers.client(relay.url), clock: systemClock, random: seededRandom(1), log: silentLog, signal: stop.signal }).of(configmaps, { namespace, labelSelector: "of=test" });
  const ours: string[] = [];
  informer.cache.onChange(({ previous, next }) => void (!previous && next && ours.push(next.metadata.name ?? "")));

  // Theirs.
  const { pki } = servers;
  assert.ok(pki);
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "c", server: relay.url, caData: base64(pki.ca.certificatePem) }],
    users: [{ name: "u", certData: base64(pki.admin.certificatePem), keyData: base64(pki.admin.privateKeyPem) }], contexts: [{ name: "x", cluster: "c", user: "u" }], currentContext: "x",
  });
  const api = config.makeApiClient(CoreV1Api);
  const theirs: string[] = [];
  const library = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, () => api.listNamespacedConfigMap({ namespace, labelSelector: "of=test" }), "of=test");
  library.on("add", ({ metadata }) => void theirs.push(metadata?.name ?? ""));
  // As its documentation says: whoever wants it to go on after an error starts it again.
  library.on("error", () => void systemClock.sleep(100, { signal: stop.signal }).then(() => library.start(), () => undefined));
  await library.start();
  stack.defer(() => library.stop());
  await informer.whenSynced(stop.signal);

  // Stock kubectl, which waits for what comes at the very end.
  writeFileSync(join(folder, "kubeconfig"), config.exportConfig());
  const kubectl = stack.use(new Running([await ensureKubectl(), "--kubeconfig", join(folder, "kubeconfig"), "wait", "configmap/event-0", "--for=jsonpath={.data.over}=yes", "--timeout=90s"]));

  const written: string[] = [];
  let enough = false;
  const writing = (async () => {
    const client = servers.client(relay.url);
    for (let i = 0; !enough; i++) {
      for (;;) {
        try {
          await client.create(configmaps, map(`event-${i}`));
          break;
        } catch (error) {
          if (isAlreadyExists(error)) break; // Written, though the answer was lost with the server.
          if (stop.signal.aborted) throw error;
          await systemClock.sleep(10, { signal: stop.signal });
        }
      }
      written.push(`event-${i}`);
      await systemClock.sleep(3, { signal: stop.signal });
    }
  })();
  writing.catch(() => undefined);

  const lose = async (what: string, signal: "SIGKILL" | "SIGTERM", from: typeof first, to: typeof first): Promise<void> => {
    const some = written.length + 20;
    await until("some are written", () => written.length >= some);
    const began = performance.now();
    const before = written.length;
    from.child.kill(signal);
    relay.to(to.port);
    await until("writing goes on", () => written.length > before + 5);
    note(`${what}: a writer goes on after ${Math.round(performance.now() - began)} ms`);
  };
  await lose("server killed", "SIGKILL", first, second);
  const third = await servers.start();
  await ready(third);
  await lose("server stopped", "SIGTERM", second, third);
  enough = true;
  await writing;
  await until("our informer has told of all", () => ours.length >= written.length, { msMax: 20_000 });
  await until("the library's informer has told of all", () => theirs.length >= written.length, { msMax: 20_000 });
  const sorted = written.toSorted();
  assert.deepEqual(ours.toSorted(), sorted, "each once");
  assert.deepEqual(theirs.toSorted(), sorted, "each once");

  const object = await third.client.get(configmaps, { namespace, name: "event-0" });
  await third.client.update(configmaps, { ...object, data: { over: "yes" } });
  assert.equal(await kubectl.exitCode(), 0, kubectl.output);
  assert.match(kubectl.output, /configmap\/event-0 condition met/);
});
