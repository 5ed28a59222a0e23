import type { StoreLocation } from "../storage/open-store.ts";
import type { ClusterPaths, ClusterSpec } from "./spec.ts";
import { stateFileOf } from "./state-file.ts";

/** Where the cluster's state is kept. */
export function storeLocationOf({ etcd }: Pick<ClusterSpec, "etcd">, paths: Pick<ClusterPaths, "store">): StoreLocation {
  if (!etcd) return { store: `sqlite:${stateFileOf(paths)}` };
  const { endpoints, prefix, caFile, certFile, keyFile } = etcd;
  return { store: `etcd=${endpoints}`, etcdPrefix: prefix, etcdCaFile: caFile, etcdCertFile: certFile, etcdKeyFile: keyFile };
}
