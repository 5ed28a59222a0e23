import { readFileSync } from "node:fs";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { EtcdLocation } from "./etcd/endpoints.ts";
import type { Store } from "./store.ts";

export interface StoreLocation {
  /** "sqlite:/path/of/a/file", or "etcd=https://a:2379,https://b:2379". */
  readonly store: string;
  /** Files in PEM, for an etcd that is reached over TLS. */
  readonly etcdCaFile?: string | undefined;
  readonly etcdCertFile?: string | undefined;
  readonly etcdKeyFile?: string | undefined;
  /** Where the cluster lies in etcd; "/registry" when absent. */
  readonly etcdPrefix?: string | undefined;
}

const read = (file: string | undefined): string | undefined => (file === undefined ? undefined : readFileSync(file, "utf8"));

export interface OpenStoreOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** How long an etcd is tried to be reached. */
  readonly patienceMs?: number;
  /** How often history is compacted, and so how far back it reaches at least; 0 keeps all of it. Default: 5 minutes. */
  readonly compactEveryMs?: number;
}

/** Only what is asked for is loaded. @throws {TypeError} for a store that is neither of the two. */
export async function openStore(location: StoreLocation, { clock, log, patienceMs, compactEveryMs }: OpenStoreOptions): Promise<Store> {
  const { store } = location;
  if (store.startsWith("sqlite:")) {
    const { openSqliteStore } = await import("./sqlite/sqlite-store.ts");
    return openSqliteStore({ path: store.slice("sqlite:".length), clock, log, ...(compactEveryMs !== undefined && { historyMs: compactEveryMs }) });
  }
  if (!isEtcd(location)) throw new TypeError(`--store ${store}: it is sqlite:FILE or etcd=https://HOST:2379,…`);
  const { openEtcdStore } = await import("./etcd/etcd-store.ts");
  return openEtcdStore({ ...await etcdOptions(location), clock, log, ...(patienceMs !== undefined && { patienceMs }), ...(compactEveryMs !== undefined && { compactEveryMs }) });
}

export const isEtcd = ({ store }: StoreLocation): boolean => /^etcd[=:]/.test(store);

/** How an etcd is reached: its files are read. @throws {TypeError} for endpoints that are none. */
export async function etcdOptions({ store, etcdCaFile, etcdCertFile, etcdKeyFile, etcdPrefix }: StoreLocation): Promise<EtcdLocation & { readonly prefix?: string }> {
  const { parseEndpoints } = await import("./etcd/endpoints.ts");
  const [ca, certificate, key] = [read(etcdCaFile), read(etcdCertFile), read(etcdKeyFile)];
  return {
    endpoints: parseEndpoints(store.slice("etcd=".length)), ...(etcdPrefix !== undefined && { prefix: etcdPrefix }),
    tls: { ...(ca !== undefined && { ca }), ...(certificate !== undefined && { certificate }), ...(key !== undefined && { key }) },
  };
}
