// A cluster that `keelson up` has made encrypts its Secrets with a key of its own, gets a new one, and encrypts what was stored before there was any.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TestCluster, until } from "../support/cluster.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start({ images: [] });
});
after(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

const password = "correct-horse-battery-staple";
const encoded = Buffer.from(password).toString("base64");
/** The file of the state and its log, as they are on the disk. */
const files = (): Buffer => Buffer.concat(readdirSync(cluster.paths.store).filter((name) => name.startsWith("state.db")).map((name) => readFileSync(join(cluster.paths.store, name))));
const read = (name: string): Promise<string> => cluster.kubectl("get", "secret", name, "-o", "jsonpath={.data.password}");
const use = (content: object): void => {
  writeFileSync(`${cluster.paths.encryption}.next`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${cluster.paths.encryption}.next`, cluster.paths.encryption);
};

test("nothing of a Secret is in the files, and its key is readable for its owner only", async () => {
  assert.equal(statSync(cluster.paths.encryption).mode & 0o777, 0o600);
  await cluster.kubectl("create", "secret", "generic", "first", `--from-literal=password=${password}`);
  await cluster.kubectl("create", "configmap", "plain", "--from-literal=greeting=hello-world");
  assert.deepEqual([files().includes(password), files().includes(encoded), files().includes("k8s:enc:secretbox:v1:key1:"), files().includes("hello-world")], [false, false, true, true]);
  assert.equal(await read("first"), encoded);
});

test("`keelson encryption rotate` gives it a new key", async () => {
  assert.match(await cluster.keelson("encryption", "rotate", cluster.name), /^\d+ objects? (is|are) encrypted with a new key\./);
  assert.ok(files().includes("k8s:enc:secretbox:v1:key2:"));
  assert.doesNotMatch(readFileSync(cluster.paths.encryption, "utf8"), /key1/);
  assert.equal(await read("first"), encoded);
});

test("what was stored as plain text is encrypted when the server starts; without its key it does not", async () => {
  const own = JSON.parse(readFileSync(cluster.paths.encryption, "utf8")) as { readonly resources: readonly [{ readonly providers: readonly object[] }] };
  use({ ...own, resources: [{ resources: ["secrets"], providers: own.resources[0].providers.toReversed() }] });
  await until("a Secret is stored as it is", async () => {
    await cluster.kubectl("delete", "secret", "second", "--ignore-not-found");
    await cluster.kubectl("create", "secret", "generic", "second", `--from-literal=password=${password}`);
    return files().includes(encoded);
  });
  const pid = cluster.pidOf("server");
  process.kill(pid, "SIGTERM");
  await until("the server has ended", () => !existsSync(`/proc/${pid}`));
  const kept = `${cluster.paths.encryption}.kept`;
  renameSync(cluster.paths.encryption, kept);
  const refused = await cluster.tryKeelson("up", cluster.name);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /encryption\.json is missing, and with it the key to the cluster's Secrets: put it back from a copy/);
  renameSync(kept, cluster.paths.encryption);
  use(own);
  await cluster.keelson("up", cluster.name);
  await until("it is encrypted", () => readFileSync(join(cluster.paths.logs, "server.log"), "utf8").includes("what was stored is encrypted with the present key now"));
  assert.deepEqual([await read("first"), await read("second")], [encoded, encoded]);
});
