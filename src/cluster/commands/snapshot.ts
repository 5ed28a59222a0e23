import { existsSync, statSync } from "node:fs";
import type { Clock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { keelsonVersion, kubernetesVersion } from "../../stdx/version.ts";
import type { Frame } from "../../storage/snapshot/frames.ts";
import { readState } from "../../storage/snapshot/read-state.ts";
import { openSnapshot, writeSnapshot, type Snapshot, type SnapshotAbout } from "../../storage/snapshot/snapshot-file.ts";
import { forgetProcess, isAlive, readProcess, recordOwnProcess, stopProcess } from "../processes.ts";
import type { Progress } from "../progress.ts";
import { serverName, type Program } from "../program.ts";
import { replaceState, type Replacement } from "../snapshots/replace-state.ts";
import { existingSnapshotPath, newSnapshotPath, removeAbandoned, type ListedSnapshot } from "../snapshots/snapshots.ts";
import { readStateFrom, stateSocketOf } from "../snapshots/state-socket.ts";
import { pathsOf, type ClusterPaths, type ClusterSpec } from "../spec.ts";
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
  if (isAlive(readProcess(paths.run, serverName))) {
    yield* readStateFrom(stateSocketOf(paths), { signal });
    return;
  }
  const file = readyStateFile(paths);
  if (!existsSync(file)) throw new Error(`the cluster has no state: ${file} is missing`);
  const { openSqliteStore } = await import("../../storage/sqlite/sqlite-store.ts");
  await using store = await openSqliteStore({ path: file, clock, log: silentLog });
  yield* readState(store, { signal });
}

/** Takes a snapshot, of a running cluster without stopping it. It was read back and checked when this resolves. */
export async function saveSnapshot({ home, spec, name, progress, clock, signal }: SnapshotOptions): Promise<{ readonly path: string; readonly about: SnapshotAbout }> {
  const path = newSnapshotPath(home, spec.name, name);
  removeAbandoned(home, spec.name, clock.now());
  const labels = snapshotLabels(spec, clock);
  const about = await progress.step(`Saving the state of ${spec.name}`, async (note) => {
    const saved = await writeSnapshot(path, stateOf(pathsOf(home, spec.name), { clock, signal }), labels, { signal, unique: String(process.pid) });
    note(`${saved.count} objects at revision ${saved.revision}, ${mebibytes(statSync(path).size)}`);
    return saved;
  });
  return { path, about };
}

export interface RestoreOptions extends SnapshotOptions {
  readonly program: Program;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Puts a snapshot in the place of the cluster's state. Everything that can be wrong with it is found before anything is touched. A server that ran is stopped for it and started again, on
 * the old state if something fails; agents and containers go on, and are brought in line by what the state says now.
 */
export async function restoreSnapshot({ home, spec, name, program, progress, clock, env, signal }: RestoreOptions): Promise<Replacement> {
  const paths = pathsOf(home, spec.name);
  await using snapshot = await progress.step(`Checking snapshot ${name}`, async (note) => {
    const opened = await openSnapshot(existingSnapshotPath(home, spec.name, name), { signal });
    note(`${opened.about.count} objects at revision ${opened.about.revision}`);
    return opened;
  });
  refuseForeign(snapshot, spec, name);

  const running = readProcess(paths.run, serverName);
  const wasRunning = isAlive(running);
  recordOwnProcess(paths.run, restoreName, clock.now());
  let replaced: Replacement;
  try {
    if (wasRunning) await progress.step("Stopping the server", () => stopProcess(running, { graceMs: serverStopMsMax, clock, signal }));
    replaced = await progress.step("Replacing the state", () => replaceState(stateFileOf(paths), snapshot));
  } finally {
    forgetProcess(paths.run, restoreName);
    // Also when the user has had enough: a cluster that ran goes on running.
    if (wasRunning) await bringUp({ home, name: spec.name, registryMirrors: {}, offline: spec.offline ?? false, noKubeconfig: true, program, progress, clock, env, signal: new AbortController().signal });
  }
  return replaced;
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
