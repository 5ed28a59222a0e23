/** Stock kubectl on a server whose Secrets are encrypted in a file: what is in the file, and the rotation of keys as upstream's documentation has it. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resources } from "../../src/api/all.ts";
import { Encryption } from "../../src/kube-apiserver/encryption/encryption.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { cryptoRandom } from "../../src/stdx/random.ts";
import { openSqliteStore } from "../../src/storage/sqlite/sqlite-store.ts";
import { noKubectl, startControlPlane, type ControlPlane } from "./control-plane.ts";

const secretOf = (first: number): string => Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => first + i)).toString("base64");
const key = (first: number): string => `{name: k${first}, secret: ${JSON.stringify(secretOf(first))}}`;
const configuration = (...keys: readonly number[]): string => `
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets, configmaps]
  providers:
  - aescbc: {keys: [${keys.map(key).join(", ")}]}
  - identity: {}
`;

test("what kubectl reads is nowhere in the files; get and replace rotate the key", { skip: noKubectl ?? false, timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-encryption-"));
  const file = join(folder, "encryption.yaml");
  writeFileSync(file, configuration(1));
  const types = resources.filter(({ storedAs }) => !storedAs).map(({ type }) => type);
  const ending = new AbortController();
  using encryption = await Encryption.open({ file, reload: true, types, serverId: "test", clock: systemClock, random: cryptoRandom, log: silentLog });
  const running = encryption.run(ending.signal);
  try {
    const store = await openSqliteStore({ path: join(folder, "state.db"), clock: systemClock, log: silentLog });
    await using plane = await startControlPlane({ store, encryption, nodeNames: [] });
    await story(plane, {
      folder,
      async use(...keys) {
        const before = encryption.hash;
        writeFileSync(`${file}.next`, configuration(...keys));
        renameSync(`${file}.next`, file);
        while (encryption.hash === before) await new Promise((resolve) => setTimeout(resolve, 5));
      },
      stored: async () => (await store.list("/registry/secrets/")).entries.map(({ value }) => Buffer.from(value.subarray(0, 22)).toString("latin1")),
    });
    assert.deepEqual(plane.started.complaints, []);
  } finally {
    ending.abort();
    await running;
    rmSync(folder, { recursive: true });
  }
});

async function story(plane: ControlPlane, { folder, use, stored }: { readonly folder: string; readonly use: (...keys: readonly number[]) => Promise<void>; readonly stored: () => Promise<readonly string[]> }): Promise<void> {
  const kubectl = async (line: string, input?: string): Promise<string> => {
    const { code, out, err } = await plane.kubectl(line.split(" "), input === undefined ? {} : { input });
    assert.equal(code, 0, `kubectl ${line}\n${err}`);
    return out;
  };
  const password = "correct-horse-battery-staple";
  for (let i = 0; i < 3; i++) await kubectl(`create secret generic s${i} --from-literal=password=${password}`);
  await kubectl(`create secret generic elsewhere -n kube-system --from-literal=password=${password}`);
  await kubectl("create configmap plain-no-more --from-literal=greeting=hello-encrypted-world");
  await kubectl("label secret s1 marked=yes");
  await kubectl("delete secret s2");

  const encoded = Buffer.from(password).toString("base64");
  const readFiles = () => Buffer.concat(readdirSync(folder).filter((name) => name.startsWith("state.db")).map((name) => readFileSync(join(folder, name))));
  const plain = [password, encoded, "hello-encrypted-world", "f:password"];
  assert.deepEqual(plain.filter((each) => readFiles().includes(each)), []);
  assert.ok(readFiles().includes("k8s:enc:aescbc:v1:k1:"));
  assert.equal(Buffer.from(await kubectl("get secret s0 -o jsonpath={.data.password}"), "base64").toString(), password);

  await use(2, 1);
  assert.ok((await stored()).every((each) => each.startsWith("k8s:enc:aescbc:v1:k1:")), (await stored()).join());
  const replaced = await kubectl("replace -f -", await kubectl("get secrets -A -o json"));
  assert.match(replaced, /secret\/s0 replaced\nsecret\/s1 replaced\nsecret\/elsewhere replaced\n/);
  assert.ok((await stored()).every((each) => each.startsWith("k8s:enc:aescbc:v1:k2:")), (await stored()).join());
  const before = await kubectl("get secrets -A -o json");
  await kubectl("replace -f -", before);
  assert.equal(await kubectl("get secrets -A -o json"), before);

  assert.deepEqual(plain.filter((each) => readFiles().includes(each)), []);
}
