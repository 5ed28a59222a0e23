import { existsSync, statSync } from "node:fs";
import { parseEncryptionConfiguration } from "../../kube-apiserver/encryption/configuration.ts";
import { storageRoot } from "../../kube-apiserver/cache/storage-keys.ts";
import type { Clock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { keelsonVersion, kubernetesVersion } from "../../stdx/version.ts";
import type { Frame } from "../../storage/snapshot/frames.ts";
import { openStore } from "../../storage/open-store.ts";
import { readState } from "../../storage/snapshot/read-state.ts";
import { openSnapshot, writeSnapshot, type Snapshot } from "../../storage/snapshot/snapshot-file.ts";
import { configurationText } from "../encryption/own-file.ts";
import { withReadingKeys } from "../encryption/reading-keys.ts";
import { readText, writeSecret } from "../pki/files.ts";
import { forgetProcess, isAlive, readProcess, recordOwnProcess, stopProcess } from "../processes.ts";
import type { Progress } from "../progress.ts";
import { serverName, type Program } from "../program.ts";
import { replaceState, type Replacement } from "../snapshots/replace-state.ts";
import { existingSnapshot, keysOf, newSnapshotPath, removeAbandoned, type ListedSnapshot } from "../snapshots/snapshots.ts";
import { readStateFrom, stateSocketOf } from "../snapshots/state-socket.ts";
import { openOfEtcd, replaceInEtcd, saveFromEtcd } from "../snapshots/etcd-snapshots.ts";
import { pathsOf, readSpec, type ClusterPaths, type ClusterSpec } from "../spec.ts";
import { storeLocationOf } from "../store-location.ts";
import { readyStateFile, restoreName, stateFileOf } from "../state-file.ts";
import { bringUp } from "./up.ts";

export interface SnapshotOptions {
  readonly home: string;
  readonly spec: ClusterSpec;
  readonly name: string;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Tells a cluster from another one of the same name, made at another time. */
const originOf = ({ name, createdAt }: ClusterSpec): Readonly<Record<string, string>> => ({ cluster: name, clusterMadeAt: createdAt });

/** What a snapshot says of itself. The specification is what a fork of it is made by, also when the cluster itself is gone; no secret is in it. */
export const snapshotLabels = (spec: ClusterSpec, clock: Clock): Readonly<Record<string, string>> => ({
  ...originOf(spec), takenAt: new Date(clock.now()).toISOString(), keelson: keelsonVersion, kubernetes: kubernetesVersion, specification: JSON.stringify(spec),
});

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** The state of a cluster at one revision: from its server while it runs, else from its file. */
export async function* stateOf(paths: ClusterPaths, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): AsyncGenerator<readonly Frame[], void> {
  const spec = readSpec(paths);
  // A store that others write to as well may be asked directly.
  if (!spec?.etcd && isAlive(readProcess(paths.run, serverName))) {
    yield* readStateFrom(stateSocketOf(paths), { clock, signal });
    return;
  }
  const file = readyStateFile(paths);
  if (!spec?.etcd && !existsSync(file)) throw new Error(`the cluster has no state: ${file} is missing`);
  await using store = await openStore(storeLocationOf(spec ?? {}, paths), { clock, log: silentLog });
  yield* readState(store, { signal, prefix: storageRoot });
}

/** Takes a snapshot, of a running cluster without stopping it. It was read back and checked when this resolves. */
export async function saveSnapshot({ home, spec, name, progress, clock, signal }: SnapshotOptions): Promise<{ readonly path: string }> {
  const path = newSnapshotPath(home, spec.name, name, spec.etcd ? "etcd" : "keelson");
  removeAbandoned(home, spec.name, clock.now());
  if (spec.etcd) {
    await progress.step(`Having etcd save the state of ${spec.name}`, async (note) => {
      const { count, revision } = await saveFromEtcd(spec.etcd, path, signal);
      note(`${count} objects at revision ${revision}, ${mebibytes(statSync(path).size)}`);
    });
    return { path };
  }
  const labels = snapshotLabels(spec, clock);
  const { encryption } = pathsOf(home, spec.name);
  const before = await readText(encryption);
  await progress.step(`Saving the state of ${spec.name}`, async (note) => {
    const saved = await writeSnapshot(path, stateOf(pathsOf(home, spec.name), { clock, signal }), labels, { signal, unique: String(process.pid) });
    note(`${saved.count} objects at revision ${saved.revision}, ${mebibytes(statSync(path).size)}`);
  });
  await keepKeys(keysOf(path), before, await readText(encryption));
  return { path };
}

export interface RestoreOptions extends SnapshotOptions {
  readonly program: Program;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Puts a snapshot in the place of the cluster's state. Everything that can be wrong with it is found before anything is touched. A server that ran is stopped for it and started again, on
 * the old state if something fails; agents and containers go on, and are brought in line by what the state says now.
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<Replacement> {
  const { home, spec, name, progress, clock, signal } = options;
  const paths = pathsOf(home, spec.name);
  const { path, kind } = existingSnapshot(home, spec.name, name);
  if ((kind === "etcd") !== (spec.etcd !== undefined)) throw new Error(`snapshot ${name} is ${kind === "etcd" ? "etcd's own, and the cluster's state lies in a file" : "of a time when the cluster's state lay in a file, and now it lies in etcd"}`);
  if (spec.etcd) {
    const { etcd } = spec;
    await using snapshot = await progress.step(`Checking snapshot ${name}`, () => openOfEtcd(etcd, path, signal));
    return await withServerStopped(options, () => progress.step("Replacing the state in etcd", () => replaceInEtcd(etcd, snapshot, { name, gateway: spec.gateway, progress, clock, signal })));
  }
  await using snapshot = await progress.step(`Checking snapshot ${name}`, async (note) => {
    const opened = await openSnapshot(path, { signal });
    note(`${opened.about.count} objects at revision ${opened.about.revision}`);
    return opened;
  });
  refuseForeign(snapshot, spec, name);
  return await withServerStopped(options, async () => {
    await addKeys(paths.encryption, keysOf(path));
    return await progress.step("Replacing the state", () => replaceState(stateFileOf(paths), snapshot));
  });
}

/** A rotation may have come to its end while the snapshot was taken: then there are values of both. */
async function keepKeys(path: string, before: string | undefined, after: string | undefined): Promise<void> {
  if (after === undefined) return;
  const both = before === undefined || before === after ? after : configurationText(withReadingKeys(parseEncryptionConfiguration(after), parseEncryptionConfiguration(before)));
  await writeSecret(path, both, { durable: true });
}

/** The cluster can read what it encrypted when the snapshot was taken. Its next rotation writes everything with its own key, and drops these. */
async function addKeys(file: string, keys: string): Promise<void> {
  const [present, old] = await Promise.all([readText(file), readText(keys)]);
  if (old === undefined || old === present) return;
  if (present === undefined) return await writeSecret(file, old, { durable: true });
  const configuration = parseEncryptionConfiguration(present);
  const both = withReadingKeys(configuration, parseEncryptionConfiguration(old));
  if (both !== configuration) await writeSecret(file, configurationText(both), { durable: true });
}

/** While nobody serves the cluster from this machine; a server that ran is started again, whatever became of the work. */
async function withServerStopped<T>({ home, spec, program, progress, clock, env, signal }: RestoreOptions, work: () => Promise<T>): Promise<T> {
  const paths = pathsOf(home, spec.name);
  const running = readProcess(paths.run, serverName);
  const wasRunning = isAlive(running);
  // Also when the user has had enough: a cluster that ran goes on running.
  const resume = async (): Promise<void> => {
    forgetProcess(paths.run, restoreName);
    if (wasRunning) await bringUp({ home, name: spec.name, registryMirrors: {}, offline: spec.offline ?? false, adopt: false, noKubeconfig: true, program, progress, clock, env, signal: new AbortController().signal });
  };
  recordOwnProcess(paths.run, restoreName, clock.now());
  let done: T;
  try {
    if (wasRunning) await progress.step("Stopping the server", () => stopProcess(running, { graceMs: serverStopMsMax, clock, signal }));
    done = await work();
  } catch (error) {
    await resume().catch((second: unknown) => progress.line(`   the server does not start again: ${second instanceof Error ? second.message : String(second)}`));
    throw error;
  }
  await resume();
  return done;
}

const serverStopMsMax = 10_000;

function refuseForeign({ about: { labels } }: Snapshot, spec: ClusterSpec, name: string): void {
  const own = originOf(spec);
  if (Object.entries(own).every(([label, value]) => labels[label] === value)) return;
  const whose = labels["cluster"] === spec.name ? `another cluster ${spec.name}, made at ${labels["clusterMadeAt"]} and gone since` : `cluster ${labels["cluster"] ?? "?"}`;
  throw new Error(`snapshot ${name} is of ${whose}: certificates, addresses and tokens in it are not of this cluster. \`keelson fork ${spec.name} NEW --snapshot ${name}\` makes a cluster of it`);
}

/** One line for each snapshot, under a head. */
export function snapshotTable(snapshots: readonly ListedSnapshot[]): string {
  const rows = snapshots.map(({ cluster, name, bytes, about, problem }) =>
    [cluster, name, about?.labels["takenAt"] ?? "-", about ? String(about.revision) : "-", about ? String(about.count) : "-", mebibytes(bytes), about?.labels["keelson"] ?? "-", problem === undefined ? "whole" : "DAMAGED"]);
  const table = [["CLUSTER", "NAME", "TAKEN", "REVISION", "OBJECTS", "SIZE", "KEELSON", "STATE"], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n");
}
