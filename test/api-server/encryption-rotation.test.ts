import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resources } from "../../src/api/all.ts";
import { deployments } from "../../src/api/generated/apps-v1.ts";
import { secrets } from "../../src/api/generated/core-v1.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { rotateKeys } from "../../src/cluster/commands/encryption.ts";
import { configurationText, ensureEncryptionFile } from "../../src/cluster/encryption/own-file.ts";
import { writeSecret } from "../../src/cluster/pki/files.ts";
import type { Progress } from "../../src/cluster/progress.ts";
import { pathsOf, planSpec } from "../../src/cluster/spec.ts";
import { parseEncryptionConfiguration } from "../../src/kube-apiserver/encryption/configuration.ts";
import { Encryption } from "../../src/kube-apiserver/encryption/encryption.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { cryptoRandom } from "../../src/stdx/random.ts";
import { startTestServer } from "./fixture.ts";

const types = resources.filter(({ storedAs }) => !storedAs).map(({ type }) => type);
const spec = planSpec({ name: "test", nodeCount: 1, apiPort: 1, others: [], isFree: () => true, registryMirrors: {}, nowMs: 0 });
assert.ok(spec);

class Interrupted extends Error {}
/** Steps of a rotation: a new key, everything is written, the old key goes. One is interrupted before it begins, or when it is done. */
const interruptedAt = (index: number, when: "before" | "after"): Progress => {
  let step = 0;
  return {
    line: () => undefined,
    async step(_, work) {
      const here = step++ === index;
      if (here && when === "before") throw new Interrupted();
      const result = await work(() => undefined);
      if (here && when === "after") throw new Interrupted();
      return result;
    },
  };
};
const whole = interruptedAt(-1, "before");

async function world() {
  const home = mkdtempSync(join(tmpdir(), "keelson-rotation-"));
  const paths = pathsOf(home, "test");
  await ensureEncryptionFile(paths, spec ?? assert.fail());
  const file = paths.encryption;
  const store = new MemoryStore();
  const server = async () => {
    const ending = new AbortController();
    const encryption = await Encryption.open({ file, reload: true, types, serverId: "test", clock: systemClock, random: cryptoRandom, log: silentLog });
    const running = encryption.run(ending.signal);
    const started = await startTestServer({ store, encryption });
    return { started, client: new TypedClient(started.http), async [Symbol.asyncDispose]() {
      ending.abort();
      await started[Symbol.asyncDispose]();
      await running;
      encryption[Symbol.dispose]();
    } };
  };
  return {
    home, file, store, server, paths,
    keys: () => parseEncryptionConfiguration(readFileSync(file, "utf8")).resources.map(({ providers: [first] }) => (first?.secretbox ?? first?.aesgcm)?.keys.map(({ name }) => name).join(",")),
    /** Which key each value is encrypted with. */
    stored: async (prefix: string) => (await store.list(prefix)).entries.map(({ value }) => /^k8s:enc:[a-z]+:v1:([^:]+):/.exec(Buffer.from(value.subarray(0, 60)).toString("latin1"))?.[1] ?? "plain"),
    [Symbol.dispose]: () => rmSync(home, { recursive: true }),
  };
}

const filled = async (client: TypedClient): Promise<void> => {
  for (const namespace of ["default", "kube-system"]) {
    for (let i = 0; i < 3; i++) await client.create(secrets, { apiVersion: "v1", kind: "Secret", metadata: { name: `s${i}`, namespace }, stringData: { password: `correct horse ${i}` } });
  }
};
const readable = async (client: TypedClient): Promise<boolean> => (await client.list(secrets, {})).items.filter(({ data }) => Buffer.from(data?.["password"] ?? "", "base64").toString().startsWith("correct horse")).length === 6;
const signal = new AbortController().signal;

test("a rotation writes everything with a new key and drops the old one", async () => {
  using it = await world();
  await using server = await it.server();
  await filled(server.client);
  assert.deepEqual([statSync(it.file).mode & 0o777, it.keys(), new Set(await it.stored("/registry/secrets/"))], [0o600, ["key1"], new Set(["key1"])]);
  const count = await rotateKeys({ file: it.file, transport: server.started.http, progress: whole, clock: systemClock, signal });
  assert.deepEqual([count, it.keys(), new Set(await it.stored("/registry/secrets/")), statSync(it.file).mode & 0o777], [6, ["key2"], new Set(["key2"]), 0o600]);
  assert.ok(await readable(server.client));
  await rotateKeys({ file: it.file, transport: server.started.http, progress: whole, clock: systemClock, signal });
  assert.deepEqual([it.keys(), await readable(server.client)], [["key3"], true]);
});

for (const index of [0, 1, 2]) {
  for (const when of ["before", "after"] as const) {
    test(`interrupted ${when} step ${index + 1}, also with its server, everything can be read, and the next one finishes it`, async () => {
      using it = await world();
      {
        await using server = await it.server();
        await filled(server.client);
        await assert.rejects(rotateKeys({ file: it.file, transport: server.started.http, progress: interruptedAt(index, when), clock: systemClock, signal }), Interrupted);
        assert.ok(await readable(server.client));
      }
      await using again = await it.server();
      assert.ok(await readable(again.client));
      const before = it.keys();
      await rotateKeys({ file: it.file, transport: again.started.http, progress: whole, clock: systemClock, signal });
      const keys = it.keys();
      assert.deepEqual(new Set(await it.stored("/registry/secrets/")), new Set(keys));
      assert.deepEqual(keys, before[0] === "key2,key1" || before[0] === "key1" ? ["key2"] : ["key3"]);
      assert.ok(await readable(again.client));
    });
  }
}

test("rules with wildcards and several providers are rotated as well", async () => {
  using it = await world();
  const secret = Buffer.alloc(32, 7).toString("base64");
  await writeSecret(it.file, configurationText({ resources: [
    { resources: ["events"], providers: [{ identity: {} }] },
    { resources: ["*.apps"], providers: [{ aesgcm: { keys: [{ name: "mine", secret }] } }, { identity: {} }] },
  ] }));
  await using server = await it.server();
  const labels = { app: "web" };
  await server.client.create(deployments, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace: "default" }, spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } } } });
  assert.deepEqual(await it.stored("/registry/deployments/"), ["mine"]);
  await rotateKeys({ file: it.file, transport: server.started.http, progress: whole, clock: systemClock, signal });
  assert.deepEqual([await it.stored("/registry/deployments/"), it.keys()], [["key1"], [undefined, "key1"]]);
});

test("the key of a cluster is made once, and never made anew where it is missing", async () => {
  using it = await world();
  const made = readFileSync(it.file, "utf8");
  const encrypted = await ensureEncryptionFile(it.paths, spec);
  assert.deepEqual([encrypted.encrypted, readFileSync(it.file, "utf8")], [true, made]);
  const fork = pathsOf(it.home, "fork");
  await ensureEncryptionFile(fork, spec, { from: it.file });
  assert.equal(readFileSync(fork.encryption, "utf8"), made);
  rmSync(it.file);
  await assert.rejects(ensureEncryptionFile(it.paths, encrypted), /encryption\.json is missing, and with it the key/);
  assert.equal(existsSync(it.file), false);
});
