import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resources } from "../../src/api/all.ts";
import { configmaps, secrets, type Secret } from "../../src/api/generated/core-v1.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { Encryption } from "../../src/kube-apiserver/encryption/encryption.ts";
import { FakePlugin } from "../../src/storage/encryption/kms/fake-plugin.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { cryptoRandom } from "../../src/stdx/random.ts";
import { startTestServer, type TestServer } from "./fixture.ts";

const types = resources.filter(({ storedAs }) => !storedAs).map(({ type }) => type);
const secretOf = (first: number): string => Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => first + i)).toString("base64");
const gcm = (...keys: readonly number[]) => ({ aesgcm: { keys: keys.map((each) => ({ name: `k${each}`, secret: secretOf(each) })) } });

interface World extends AsyncDisposable {
  readonly store: MemoryStore;
  readonly started: TestServer;
  readonly client: TypedClient;
  readonly encryption: Encryption;
  readonly folder: string;
  /** Replaces the file, and resolves when the server has read it. */
  use(...providers: readonly object[]): Promise<void>;
  stored(name: string): Promise<string>;
  /** A request over HTTP, its code and what it says. */
  ask(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<{ readonly code: number; readonly message: string }>;
}

async function world(providers: readonly object[], { store = new MemoryStore(), folder = mkdtempSync(join(tmpdir(), "keelson-encryption-")) } = {}): Promise<World> {
  const file = join(folder, "encryption.json");
  const write = (each: readonly object[]) => {
    const content = JSON.stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources: [{ resources: ["secrets"], providers: each }] });
    writeFileSync(`${file}.next`, content);
    renameSync(`${file}.next`, file);
  };
  write(providers);
  const ending = new AbortController();
  const encryption = await Encryption.open({ file, reload: true, types, serverId: "test", clock: systemClock, random: cryptoRandom, log: silentLog });
  const running = encryption.run(ending.signal);
  const started = await startTestServer({ store, encryption });
  return {
    store, started, encryption, folder, client: new TypedClient(started.http),
    async use(...next) {
      const before = encryption.hash;
      write(next);
      while (encryption.hash === before) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    stored: async (name) => Buffer.from((await store.get(`/registry/secrets/default/${name}`))?.value ?? "").toString("latin1"),
    async ask(method, path, body) {
      using response = await started.http.raw({ method, path, ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }) });
      const text = await response.text();
      return { code: response.status, message: text.startsWith("{") ? ((JSON.parse(text) as { readonly message?: string }).message ?? text) : text };
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await started[Symbol.asyncDispose]();
      await running;
      encryption[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
const secret = (name: string, namespace = "default"): Secret => ({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData: { password: "correct horse" } });
const path = "/api/v1/namespaces/default/secrets";

test("secrets are stored encrypted; an update that changes nothing writes only what another key has encrypted", async () => {
  await using it = await world([gcm(1), { identity: {} }]);
  const made = await it.client.create(secrets, secret("a"));
  await it.client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "plain", namespace: "default" }, data: { greeting: "hello" } });
  assert.match(await it.stored("a"), /^k8s:enc:aesgcm:v1:k1:/);
  assert.doesNotMatch(await it.stored("a"), /password|Y29ycmVjdCBob3JzZQ/);
  assert.match(Buffer.from((await it.store.get("/registry/configmaps/default/plain"))?.value ?? "").toString(), /"greeting":"hello"/);
  assert.equal((await it.client.update(secrets, made)).metadata.resourceVersion, made.metadata.resourceVersion);

  await it.use(gcm(2, 1), { identity: {} });
  assert.match(await it.stored("a"), /^k8s:enc:aesgcm:v1:k1:/);
  const again = await it.client.update(secrets, made);
  assert.notEqual(again.metadata.resourceVersion, made.metadata.resourceVersion);
  assert.deepEqual({ ...again, metadata: { ...again.metadata, resourceVersion: "" } }, { ...made, metadata: { ...made.metadata, resourceVersion: "" } });
  assert.match(await it.stored("a"), /^k8s:enc:aesgcm:v1:k2:/);
  assert.equal((await it.client.update(secrets, again)).metadata.resourceVersion, again.metadata.resourceVersion);

  // And back to plain text, the way upstream documents it.
  await it.use({ identity: {} }, gcm(2));
  await it.client.update(secrets, again);
  assert.match(await it.stored("a"), /"password":"Y29ycmVjdCBob3JzZQ=="/);
  assert.deepEqual(it.started.complaints, []);
});

test("what was stored before there was encryption is read, and rewritten when that is asked for", async () => {
  const store = new MemoryStore();
  await using it = await world([{ identity: {} }, gcm(1)], { store });
  for (const name of ["a", "b"]) await it.client.create(secrets, secret(name));
  await it.use(gcm(1), { identity: {} });
  assert.equal(await it.encryption.rewriteStale(it.encryption.protect(store), { signal: new AbortController().signal }), 2);
  for (const name of ["a", "b"]) assert.match(await it.stored(name), /^k8s:enc:aesgcm:v1:k1:/);
  assert.equal((await it.client.get(secrets, { name: "b", namespace: "default" })).data?.["password"], "Y29ycmVjdCBob3JzZQ==");
});

test("what cannot be decrypted fails by itself, in upstream's words, until its key is back", async () => {
  const store = new MemoryStore();
  {
    await using first = await world([gcm(1)], { store });
    await first.client.create(secrets, secret("lost"));
  }
  await using it = await world([gcm(2)], { store });
  const reason = "no matching key was found for the provided AES transformer";
  const failed = { code: 500, message: `Internal error occurred: ${reason}` };
  const listFailed = { code: 500, message: `Internal error occurred: unable to transform key "/registry/secrets/default/lost": ${reason}` };
  await it.client.create(secrets, secret("found"));
  await it.client.create(secrets, secret("elsewhere", "kube-system"));

  assert.deepEqual(await it.ask("GET", `${path}/lost`), failed);
  assert.deepEqual(await it.ask("PUT", `${path}/lost`, secret("lost")), failed);
  assert.deepEqual(await it.ask("DELETE", `${path}/lost`), failed);
  // The feature that deletes such objects is alpha and off: its option is dropped, as upstream does.
  assert.deepEqual(await it.ask("DELETE", `${path}/lost`, { apiVersion: "v1", kind: "DeleteOptions", ignoreStoreReadErrorWithClusterBreakingPotential: true }), failed);
  assert.deepEqual(await it.ask("POST", path, secret("lost")), { code: 409, message: 'secrets "lost" already exists' });
  for (const each of [path, `${path}?limit=1`, "/api/v1/secrets", `${path}?labelSelector=a`]) assert.deepEqual(await it.ask("GET", each), listFailed, each);
  assert.deepEqual(await it.ask("GET", `${path}?watch=true`), { code: 429, message: "storage is (re)initializing" });
  // Everything else goes on.
  assert.equal((await it.client.get(secrets, { name: "found", namespace: "default" })).metadata.name, "found");
  assert.equal((await it.client.list(secrets, { namespace: "kube-system" })).items.length, 1);
  assert.equal((await it.ask("GET", `${path}?fieldSelector=metadata.name%3Dfound`)).code, 200);
  assert.equal((await it.ask("GET", "/api/v1/configmaps")).code, 200);
  assert.equal((await it.ask("GET", "/readyz")).code, 200);

  await it.use(gcm(2, 1));
  assert.deepEqual((await it.client.list(secrets, { namespace: "default" })).items.map(({ metadata }) => metadata.name), ["found", "lost"]);
  await it.client.update(secrets, { ...(await it.client.get(secrets, { name: "lost", namespace: "default" })) });
  assert.match(await it.stored("lost"), /^k8s:enc:aesgcm:v1:k2:/);
  assert.equal((await it.ask("DELETE", `${path}/lost`)).code, 200);
});

test("a value that somebody else damages ends the watches of its resource, and can be overwritten in the store", async () => {
  await using it = await world([gcm(1)]);
  await it.client.create(secrets, secret("a"));
  using stream = it.started.http.watch({ verb: "watch", group: "", version: "v1", resource: "secrets", namespace: "default" });
  const events = stream[Symbol.asyncIterator]();
  assert.equal((await events.next()).value?.type, "ADDED");
  const entry = await it.store.get("/registry/secrets/default/a");
  assert.ok(entry);
  const damaged = Uint8Array.from(entry.value, (byte, i) => (i === 40 ? byte ^ 1 : byte));
  const revision = await it.store.put(entry.key, damaged, { expected: entry.revision });
  assert.equal((await events.next()).done, true);
  assert.deepEqual(await it.ask("GET", `${path}/a`), { code: 500, message: "Internal error occurred: cipher: message authentication failed" });
  await it.store.put(entry.key, entry.value, { expected: revision });
  const back = await it.client.get(secrets, { name: "a", namespace: "default" });
  assert.equal(back.data?.["password"], "Y29ycmVjdCBob3JzZQ==");
  assert.equal((await it.client.list(secrets, { namespace: "default" })).items.length, 1);
  assert.equal((await it.ask("GET", `${path}?watch=true&resourceVersion=${entry.revision}&timeoutSeconds=1`)).message.includes("too old resource version"), true);
});

test("a file that is wrong changes nothing, and is told in the metrics", async () => {
  await using it = await world([gcm(1)]);
  await it.client.create(secrets, secret("a"));
  writeFileSync(join(it.folder, "encryption.json"), "kind: Nonsense");
  const failures = async () => (await it.ask("GET", "/metrics")).message.match(/automatic_reloads_total\{[^}]*status="failure"\} (\d+)/)?.[1];
  while ((await failures()) === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  await it.client.create(secrets, secret("b"));
  assert.match(await it.stored("b"), /^k8s:enc:aesgcm:v1:k1:/);
  await it.use(gcm(3, 1));
  assert.match((await it.ask("GET", "/metrics")).message, /automatic_reloads_total\{apiserver_id_hash="sha256:[0-9a-f]{64}",status="success"\} 1/);
});

test("kms: secrets are encrypted with the plugin's help; a plugin that is away fails health, and what needs it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-encryption-"));
  const socket = join(folder, "kms.sock");
  const keys = { one: Buffer.alloc(32, 1) };
  const kms = { kms: { apiVersion: "v2", name: "fake", endpoint: `unix://${socket}`, timeout: "2s" } };
  const store = new MemoryStore();
  await using it = await world([{ identity: {} }], { store, folder });
  {
    await using _plugin = await FakePlugin.start({ socket, keys });
    assert.deepEqual(await it.ask("GET", "/healthz/kms-providers"), { code: 200, message: "ok" });
    await it.use(kms, { identity: {} });
    await it.client.create(secrets, secret("a"));
    assert.match(await it.stored("a"), /^k8s:enc:kms:v2:fake:/);
    assert.doesNotMatch(await it.stored("a"), /password|Y29ycmVjdCBob3JzZQ/);
  }
  // Another server, which has to ask the plugin for the key, and finds nobody.
  await using other = await world([kms, { identity: {} }], { store });
  const health = await other.ask("GET", "/readyz/kms-providers");
  assert.equal(health.code, 500);
  assert.match(health.message, /^internal server error: kms-provider-0: (failed to perform status section of the healthz check for KMS Provider fake, error: )?rpc error: code = Unavailable desc = /);
  assert.equal((await other.ask("GET", `${path}/a`)).message, "Internal error occurred: got unexpected nil transformer");
  assert.equal((await other.ask("POST", path, secret("b"))).message, "Internal error occurred: got unexpected nil transformer");
  assert.equal((await other.ask("GET", "/api/v1/configmaps")).code, 200);
  await using _again = await FakePlugin.start({ socket, keys });
  while ((await other.ask("GET", "/readyz/kms-providers")).code !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await other.client.get(secrets, { name: "a", namespace: "default" })).data?.["password"], "Y29ycmVjdCBob3JzZQ==");
  await other.client.create(secrets, secret("b"));
  assert.equal((await other.client.list(secrets, { namespace: "default" })).items.length, 2);
});
