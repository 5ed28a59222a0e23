import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { BadSnapshotError } from "../../storage/snapshot/bad-snapshot.ts";
import { openSnapshot, partialSuffix, type SnapshotAbout } from "../../storage/snapshot/snapshot-file.ts";
import { kinds, namesIn, snapshotFolder, snapshotNames, snapshotPath, type Named, type SnapshotKind } from "./names.ts";

/** Where a new snapshot goes. @throws when there is one of this name. */
export function newSnapshotPath(home: string, cluster: string, name: string, kind: SnapshotKind): string {
  const path = snapshotPath(home, cluster, name, kind);
  if (kinds.some((each) => existsSync(snapshotPath(home, cluster, name, each)))) throw new Error(`cluster ${cluster} has a snapshot ${name} already; choose another name, or delete it first`);
  mkdirSync(snapshotFolder(home, cluster), { recursive: true, mode: 0o700 });
  return path;
}

export interface ListedSnapshot {
  readonly cluster: string;
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly kind: SnapshotKind;
  readonly about?: Pick<SnapshotAbout, "revision" | "count" | "labels">;
  /** Why it cannot be used. */
  readonly problem?: string;
}

/** All snapshots, or those of one cluster, each read to its end to see whether it is whole. */
export async function listSnapshots(home: string, cluster: string | undefined, signal: AbortSignal): Promise<readonly ListedSnapshot[]> {
  const folder = join(home, "snapshots");
  const clusters = cluster === undefined ? (existsSync(folder) ? readdirSync(folder).toSorted() : []) : [cluster];
  const found: ListedSnapshot[] = [];
  for (const each of clusters) for (const named of namesIn(snapshotFolder(home, each))) found.push(await look(home, each, named, signal));
  return found;
}

async function look(home: string, cluster: string, { name, kind }: Named, signal: AbortSignal): Promise<ListedSnapshot> {
  const path = snapshotPath(home, cluster, name, kind);
  const { size, mtime } = statSync(path);
  const known = { cluster, name, kind, path, bytes: size };
  try {
    if (kind === "etcd") {
      const { openEtcdSnapshot } = await import("../../storage/etcd/snapshot-file.ts");
      await using snapshot = await openEtcdSnapshot(path, { names: everyKey, signal });
      return { ...known, about: { revision: snapshot.index.revision, count: snapshot.index.count, labels: { takenAt: mtime.toISOString() } } };
    }
    await using snapshot = await openSnapshot(path, { signal });
    return { ...known, about: snapshot.about };
  } catch (error) {
    if (!(error instanceof BadSnapshotError)) throw error;
    return { ...known, problem: error.message };
  }
}

const everyKey = (key: Uint8Array): string => Buffer.from(key).toString();

/** @throws when there is none of this name. */
export function existingSnapshot(home: string, cluster: string, name: string): { readonly path: string; readonly kind: SnapshotKind } {
  const found = kinds.map((kind) => ({ kind, path: snapshotPath(home, cluster, name, kind) })).find(({ path }) => existsSync(path));
  if (found) return found;
  const names = snapshotNames(home, cluster);
  throw new Error(`cluster ${cluster} has no snapshot ${JSON.stringify(name)}; ${names.length === 0 ? "it has none at all" : `it has ${names.join(", ")}`}`);
}

export function deleteSnapshot(home: string, cluster: string, name: string): void {
  const { path } = existingSnapshot(home, cluster, name);
  rmSync(keysOf(path), { force: true });
  rmSync(path);
}

/**
 * The EncryptionConfiguration that the values were written with, beside the snapshot: keys are rotated, and clusters taken down, and what was encrypted with them
 * could not be read any more. The snapshot without it tells nobody a secret.
 */
export const keysOf = (path: string): string => `${path}.encryption.json`;

const abandonedMs = 24 * 60 * 60 * 1000;

/** What a writer that was killed has left. */
export function removeAbandoned(home: string, cluster: string, nowMs: number): void {
  const folder = snapshotFolder(home, cluster);
  for (const file of existsSync(folder) ? readdirSync(folder) : []) {
    const path = join(folder, file);
    if (file.endsWith(partialSuffix) && nowMs - statSync(path).mtimeMs > abandonedMs) rmSync(path, { force: true });
  }
}
