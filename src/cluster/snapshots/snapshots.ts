import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { BadSnapshotError, openSnapshot, partialSuffix, type SnapshotAbout } from "../../storage/snapshot/snapshot-file.ts";
import { isClusterName } from "../spec.ts";

/** Snapshots lie beside the clusters, not inside: `keelson down` removes a cluster, and not what was put aside from it. */
export const snapshotFolder = (home: string, cluster: string): string => join(home, "snapshots", cluster);

const suffix = ".snapshot";
const nameLengthMax = 63;
const isSnapshotName = (name: string): boolean => name.length <= nameLengthMax && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name);

/** @throws for what cannot be the name of a cluster or of a snapshot: both become names of files. */
export function snapshotPath(home: string, cluster: string, name: string): string {
  if (!isClusterName(cluster)) throw new Error(`${JSON.stringify(cluster)} cannot be the name of a cluster`);
  if (!isSnapshotName(name)) throw new Error(`${JSON.stringify(name)} cannot be the name of a snapshot: use lower-case letters, digits, '-' and '.', ${nameLengthMax} at most`);
  return join(snapshotFolder(home, cluster), `${name}${suffix}`);
}

/** "2026-11-21-131500": names in the order of time. */
export const nameOfMoment = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");

/** Where a new snapshot goes. @throws when there is one of this name. */
export function newSnapshotPath(home: string, cluster: string, name: string): string {
  const path = snapshotPath(home, cluster, name);
  if (existsSync(path)) throw new Error(`cluster ${cluster} has a snapshot ${name} already; choose another name, or delete it first`);
  mkdirSync(snapshotFolder(home, cluster), { recursive: true, mode: 0o700 });
  return path;
}

export interface ListedSnapshot {
  readonly cluster: string;
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly about?: SnapshotAbout;
  /** Why it cannot be used. */
  readonly problem?: string;
}

/** All snapshots, or those of one cluster, each read to its end to see whether it is whole. */
export async function listSnapshots(home: string, cluster: string | undefined, signal: AbortSignal): Promise<readonly ListedSnapshot[]> {
  const folder = join(home, "snapshots");
  const clusters = cluster === undefined ? (existsSync(folder) ? readdirSync(folder).toSorted() : []) : [cluster];
  const found: ListedSnapshot[] = [];
  for (const each of clusters) for (const name of namesIn(snapshotFolder(home, each))) found.push(await look(home, each, name, signal));
  return found;
}

const namesIn = (folder: string): readonly string[] =>
  existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(suffix)).map((file) => file.slice(0, -suffix.length)).filter(isSnapshotName).toSorted() : [];

async function look(home: string, cluster: string, name: string, signal: AbortSignal): Promise<ListedSnapshot> {
  const path = snapshotPath(home, cluster, name);
  const known = { cluster, name, path, bytes: statSync(path).size };
  try {
    await using snapshot = await openSnapshot(path, { signal });
    return { ...known, about: snapshot.about };
  } catch (error) {
    if (!(error instanceof BadSnapshotError)) throw error;
    return { ...known, problem: error.message };
  }
}

/** @throws when there is none of this name. */
export function existingSnapshotPath(home: string, cluster: string, name: string): string {
  const path = snapshotPath(home, cluster, name);
  if (existsSync(path)) return path;
  const names = namesIn(snapshotFolder(home, cluster));
  throw new Error(`cluster ${cluster} has no snapshot ${JSON.stringify(name)}; ${names.length === 0 ? "it has none at all" : `it has ${names.join(", ")}`}`);
}

export function deleteSnapshot(home: string, cluster: string, name: string): void {
  rmSync(existingSnapshotPath(home, cluster, name));
}

const abandonedMs = 24 * 60 * 60 * 1000;

/** What a writer that was killed has left. */
export function removeAbandoned(home: string, cluster: string, nowMs: number): void {
  const folder = snapshotFolder(home, cluster);
  for (const file of existsSync(folder) ? readdirSync(folder) : []) {
    const path = join(folder, file);
    if (file.endsWith(partialSuffix) && nowMs - statSync(path).mtimeMs > abandonedMs) rmSync(path, { force: true });
  }
}
