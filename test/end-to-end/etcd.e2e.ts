import { test } from "node:test";
import type { Store } from "../../src/storage/store.ts";
import { storeSuite } from "../../src/storage/suite.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";

/** One empty etcd per test; closing the store ends it. */
async function openEmpty({ backlogMax }: { readonly backlogMax: number }): Promise<Store> {
  const etcd = await EtcdCluster.start();
  const store = await etcd.open({ backlogMax }).catch(async (error: unknown) => {
    await etcd[Symbol.asyncDispose]();
    throw error;
  });
  const close = store[Symbol.asyncDispose].bind(store);
  store[Symbol.asyncDispose] = async () => {
    await close();
    await etcd[Symbol.asyncDispose]();
  };
  return store;
}

if (skip === false) storeSuite("etcd", openEmpty);
else test("etcd", { skip }, () => undefined);
