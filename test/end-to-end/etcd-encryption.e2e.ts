// Encrypted values in etcd: what lies there, and that values are bound to where they lie, which is what upstream's server binds them to.
import assert from "node:assert/strict";
import { createDecipheriv } from "node:crypto";
import { test } from "node:test";
import { cryptoRandom } from "../../src/stdx/random.ts";
import { EncryptingStore } from "../../src/storage/encryption/encrypting-store.ts";
import { keyedProvider, providerList } from "../../src/storage/encryption/providers.ts";
import { bytes, take, text } from "../../src/storage/suite.ts";
import { command } from "../../src/stdx/command.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";

const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
const transformer = providerList([keyedProvider("aesgcm", [{ name: "k", secret }], cryptoRandom)]);

for (const prefix of ["/registry", "/clusters/one"]) {
  test(`under ${prefix}`, { skip }, async () => {
    await using etcd = await EtcdCluster.start();
    const [inner, other] = [await etcd.open({ prefix }), await etcd.open({ prefix })];
    await using store = new EncryptingStore(inner, { of: (key) => (key.startsWith("/registry/secrets/") ? transformer : undefined) });
    await using second = new EncryptingStore(other, { of: (key) => (key.startsWith("/registry/secrets/") ? transformer : undefined) });
    assert.deepEqual([store.expires, await store.latest?.()], [true, 1]);
    using watch = second.watch("/registry/", { after: 1 });
    await store.put("/registry/secrets/default/a", bytes("correct horse"), { expected: 0 });
    await store.put("/registry/configmaps/default/b", bytes("plain"), { expected: 0 });
    assert.deepEqual((await take(watch, 2)).map((change) => change.type === "put" && text(change.entry.value)), ["correct horse", "plain"]);
    assert.equal(text((await second.get("/registry/secrets/default/a"))?.value), "correct horse");

    const place = `${prefix}/secrets/default/a`;
    const { kvs } = JSON.parse(await command(["etcdctl", `--endpoints=${etcd.urls}`, "get", place, "-w", "json"])) as { readonly kvs: readonly { readonly value: string }[] };
    const stored = Buffer.from(kvs[0]?.value ?? "", "base64");
    const head = "k8s:enc:aesgcm:v1:k:";
    assert.equal(stored.subarray(0, head.length).toString(), head);
    assert.equal(stored.includes("horse"), false);
    const sealed = stored.subarray(head.length);
    const opening = createDecipheriv("aes-256-gcm", secret, sealed.subarray(0, 12), { authTagLength: 16 }).setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(-16));
    assert.equal(Buffer.concat([opening.update(sealed.subarray(12, -16)), opening.final()]).toString(), "correct horse");
  });
}
