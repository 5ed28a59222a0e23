import assert from "node:assert/strict";
import { test } from "node:test";
import { keptEtcd } from "./etcd-state.ts";
import type { EtcdSpec } from "./spec.ts";
import { storeLocationOf } from "./store-location.ts";

const etcd = (endpoints: string, prefix = "/registry"): EtcdSpec => ({ endpoints, prefix });

test("a cluster stays where its state is", () => {
  const cases = [
    [undefined, undefined, false, {}],
    [etcd("https://a:1"), undefined, false, { etcd: etcd("https://a:1") }],
    [etcd("https://a:1"), etcd("https://a:1,https://b:1"), false, { etcd: etcd("https://a:1,https://b:1") }],
    [etcd("https://a:1"), etcd("https://a:1", "/b"), false, /lies under \/registry in etcd, not under \/b/],
    [etcd("https://a:1"), etcd("https://a:1", "/b"), true, /lies under \/registry/],
    [undefined, etcd("https://a:1"), false, /keeps its state in a file of its own/],
    [undefined, etcd("https://a:1"), true, { etcd: etcd("https://a:1") }],
  ] as const;
  for (const [existing, wanted, adopt, expected] of cases) {
    const kept = keptEtcd("dev", existing, wanted, adopt);
    if (expected instanceof RegExp) assert.match("what" in kept ? kept.what : "", expected);
    else assert.deepEqual(kept, expected);
  }
});

test("the store is a file of the cluster, or the etcd that it was made with", () => {
  assert.deepEqual(storeLocationOf({}, { store: "/s" }), { store: "sqlite:/s/state.db" });
  assert.deepEqual(storeLocationOf({ etcd: { ...etcd("https://a:1", "/b"), caFile: "/ca" } }, { store: "/s" }), {
    store: "etcd=https://a:1", etcdPrefix: "/b", etcdCaFile: "/ca", etcdCertFile: undefined, etcdKeyFile: undefined,
  });
});
