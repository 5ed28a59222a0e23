import { existsSync } from "node:fs";
import type { Clock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { openStore, type StoreLocation } from "../../storage/open-store.ts";
import { CopyRefusedError, copyIntoStore, type Copied, type CopyOptions } from "../../storage/snapshot/copy.ts";
import { orderedStateOf } from "../../storage/snapshot/store-state.ts";
import { copyIntoFile } from "../../storage/snapshot/copy-to-file.ts";
import { storageRoot } from "../../kube-apiserver/cache/storage-keys.ts";
import type { Progress } from "../progress.ts";

export interface StoreCopyOptions {
  readonly from: StoreLocation;
  readonly to: StoreLocation;
  /** Begins anew where an earlier copy was interrupted. */
  readonly restart: boolean;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const fileOf = ({ store }: StoreLocation): string | undefined => (store.startsWith("sqlite:") ? store.slice("sqlite:".length) : undefined);

/** Says which servers of the source live; those of the copy say it anew. */
const isSignOfLife = (key: string): boolean => key.startsWith(`${storageRoot}masterleases/`);

/** Copies a cluster's state from one store into another one that is empty. Nobody may write to either meanwhile. @throws {CopyRefusedError} */
export async function copyStore({ from, to, restart, progress, clock, signal }: StoreCopyOptions): Promise<Copied> {
  const [fromFile, toFile] = [fileOf(from), fileOf(to)];
  if (fromFile === undefined && toFile === undefined) throw new CopyRefusedError("from etcd to etcd, etcd's own tools copy best: etcdctl snapshot save, and etcdutl snapshot restore");
  if (fromFile !== undefined && !existsSync(fromFile)) throw new CopyRefusedError(`there is no store at ${fromFile}`);
  if (toFile !== undefined && existsSync(toFile)) throw new CopyRefusedError(`the destination is not empty: ${toFile} exists`);
  await using source = await openStore(from, { clock, log: silentLog });
  return await progress.step(`Copying ${from.store} to ${to.store}`, async (note) => {
    const onProgress = told(progress, clock);
    const common = { prefix: storageRoot, leaveOut: isSignOfLife, onProgress, signal };
    const copied = toFile === undefined
      ? await intoEtcd(to, { ...common, source: await orderedStateOf(source, common), restart, renames: (to.etcdPrefix ?? defaultPrefix) !== defaultPrefix, about: `from ${from.store}, begun at ${new Date(clock.now()).toISOString()}; \`keelson store copy --restart\` begins anew` }, clock)
      : await copyIntoFile({ ...common, source, path: toFile });
    note(`${copied.count} keys, now at revision ${copied.revision}`);
    return copied;
  });
}

const defaultPrefix = "/registry";

async function intoEtcd(to: StoreLocation, options: Omit<CopyOptions, "target">, clock: Clock): Promise<Copied> {
  await using target = await openStore(to, { clock, log: silentLog });
  return await copyIntoStore({ ...options, target });
}

const toldEveryMs = 2_000;

const words = {
  clearing: (done: number, total: number) => `   removing what an interrupted copy has left: ${done} of ${total} keys`,
  raising: (done: number, total: number) => `   using up revisions, to go on behind the last one of the source: ${done} of ${total}`,
  copying: (done: number, total: number) => `   ${done} of ${total} keys are copied`,
  checking: (done: number, total: number) => `   ${done} of ${total} keys are read back and compared`,
} as const satisfies Readonly<Record<Parameters<NonNullable<CopyOptions["onProgress"]>>[0], (done: number, total: number) => string>>;

function told(progress: Progress, clock: Clock): NonNullable<CopyOptions["onProgress"]> {
  let toldMs = clock.now();
  return (phase, done, total) => {
    if (clock.now() - toldMs < toldEveryMs) return;
    toldMs = clock.now();
    progress.line(words[phase](done, total));
  };
}
