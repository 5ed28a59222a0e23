import { storageRoot } from "../../kube-apiserver/cache/storage-keys.ts";
import type { Clock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { KeySpace } from "../../storage/etcd/key-space.ts";
import { saveEtcdSnapshot } from "../../storage/etcd/maintenance.ts";
import { openEtcdSnapshot, type EtcdSnapshot } from "../../storage/etcd/snapshot-file.ts";
import { etcdOptions, openStore } from "../../storage/open-store.ts";
import { copyIntoStore } from "../../storage/snapshot/copy.ts";
import type { Store } from "../../storage/store.ts";
import type { Progress } from "../progress.ts";
import type { EtcdSpec } from "../spec.ts";
import { storeLocationOf } from "../store-location.ts";
import type { Replacement } from "./replace-state.ts";

const locationOf = (etcd: EtcdSpec) => storeLocationOf({ etcd }, { store: "" });

/** Has etcd make its own snapshot: of everything that lies in it, other clusters' keys included. It was read back and checked when this resolves. */
export async function saveFromEtcd(etcd: EtcdSpec | undefined, path: string, signal: AbortSignal): Promise<{ readonly count: number; readonly revision: number }> {
  if (!etcd) throw new Error("the cluster's state does not lie in etcd");
  await saveEtcdSnapshot(await etcdOptions(locationOf(etcd)), path, { signal, unique: String(process.pid) });
  await using snapshot = await openOfEtcd(etcd, path, signal);
  return { count: snapshot.index.count, revision: snapshot.index.revision };
}

/** This cluster's part of etcd's snapshot. @throws {BadSnapshotError} */
export function openOfEtcd({ prefix }: EtcdSpec, path: string, signal: AbortSignal): Promise<EtcdSnapshot> {
  const space = new KeySpace(prefix);
  return openEtcdSnapshot(path, { signal, names: (key) => {
    const name = space.decode(key);
    return name?.startsWith(storageRoot) === true ? name : undefined;
  } });
}

const serverSigns = `${storageRoot}masterleases/`;
/** A server that ended without saying so is thought alive for some seconds more. */
const signsMsMax = 30_000;
const pollMs = 500;

/**
 * Makes what lies in etcd equal to a snapshot, by writes like any other, since the members of etcd are not ours to stop. Other clusters' keys are not touched. In
 * the middle of it a mark keeps servers from starting; run again, it goes on. @throws when a server of the cluster lives elsewhere; nothing was touched then.
 */
export async function replaceInEtcd(etcd: EtcdSpec, source: EtcdSnapshot, { name, gateway, progress, clock, signal }: {
  readonly name: string; readonly gateway: string; readonly progress: Progress; readonly clock: Clock; readonly signal: AbortSignal;
}): Promise<Replacement> {
  await using target = await openStore(locationOf(etcd), { clock, log: silentLog });
  await nobodyServes(target, { gateway, progress, clock, signal });
  const { count, revision } = await copyIntoStore({
    source, target, prefix: storageRoot, mode: "replace", leaveOut: (key) => key.startsWith(serverSigns), signal,
    about: `of snapshot ${name}, begun at ${new Date(clock.now()).toISOString()}; \`keelson snapshot restore\` finishes it`,
  });
  return { count, revision };
}

/** Servers keep a lease of etcd, which ends soon after they did. */
async function nobodyServes(store: Store, { gateway, progress, clock, signal }: { readonly gateway: string; readonly progress: Progress; readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
  const untilMs = clock.now() + signsMsMax;
  let told = false;
  for (;;) {
    const living = (await store.list(serverSigns, { signal })).entries.map(({ key }) => key.slice(serverSigns.length)).filter((ip) => ip !== gateway);
    if (living.length === 0) return;
    if (clock.now() > untilMs) throw new Error(`servers of this cluster run at ${living.join(", ")}: stop them first, since they would write to the state while it is replaced`);
    if (!told) progress.line(`   waiting for the servers at ${living.join(", ")} to end`);
    told = true;
    await clock.sleep(pollMs, { signal });
  }
}
