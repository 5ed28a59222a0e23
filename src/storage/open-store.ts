import { readFileSync } from "node:fs";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
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

/** Only what is asked for is loaded. @throws {TypeError} for a store that is neither of the two. */
export async function openStore({ store, etcdCaFile, etcdCertFile, etcdKeyFile }: StoreLocation, { clock, log }: { readonly clock: Clock; readonly log: Log }): Promise<Store> {
  if (store.startsWith("sqlite:")) {
    const { openSqliteStore } = await import("./sqlite/sqlite-store.ts");
    return openSqliteStore({ path: store.slice("sqlite:".length), clock, log });
  }
  if (!/^etcd[=:]/.test(store)) throw new TypeError(`--store ${store}: it is sqlite:FILE or etcd=https://HOST:2379,…`);
  const [{ openEtcdStore }, { parseEndpoints }] = await Promise.all([import("./etcd/etcd-store.ts"), import("./etcd/endpoints.ts")]);
  const [ca, certificate, key] = [read(etcdCaFile), read(etcdCertFile), read(etcdKeyFile)];
  return openEtcdStore({
    endpoints: parseEndpoints(store.slice("etcd=".length)), clock, log,
    tls: { ...(ca !== undefined && { ca }), ...(certificate !== undefined && { certificate }), ...(key !== undefined && { key }) },
  });
}
