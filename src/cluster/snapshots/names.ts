import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isClusterName } from "../spec.ts";

/** Snapshots lie beside the clusters, not inside: `keelson down` removes a cluster, and not what was put aside from it. */
export const snapshotFolder = (home: string, cluster: string): string => join(home, "snapshots", cluster);

/** What a snapshot is made by: us, or etcd. */
export type SnapshotKind = "keelson" | "etcd";
const suffixes = { keelson: ".snapshot", etcd: ".etcd.db" } as const satisfies Readonly<Record<SnapshotKind, string>>;
export const kinds = Object.keys(suffixes) as readonly SnapshotKind[];
const nameLengthMax = 63;
const isSnapshotName = (name: string): boolean => name.length <= nameLengthMax && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name);

/** @throws for what cannot be the name of a cluster or of a snapshot: both become names of files. */
export function snapshotPath(home: string, cluster: string, name: string, kind: SnapshotKind): string {
  if (!isClusterName(cluster)) throw new Error(`${JSON.stringify(cluster)} cannot be the name of a cluster`);
  if (!isSnapshotName(name)) throw new Error(`${JSON.stringify(name)} cannot be the name of a snapshot: use lower-case letters, digits, '-' and '.', ${nameLengthMax} at most`);
  return join(snapshotFolder(home, cluster), `${name}${suffixes[kind]}`);
}

/** "2026-11-21-131500": names in the order of time. */
export const nameOfMoment = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");

export interface Named {
  readonly name: string;
  readonly kind: SnapshotKind;
}

export const namesIn = (folder: string): readonly Named[] =>
  (existsSync(folder) ? readdirSync(folder) : []).flatMap((file) => kinds.flatMap((kind) => (file.endsWith(suffixes[kind]) ? [{ name: file.slice(0, -suffixes[kind].length), kind }] : [])))
    .filter(({ name }) => isSnapshotName(name)).toSorted((a, b) => (a.name < b.name ? -1 : 1));

export const snapshotNames = (home: string, cluster: string): readonly string[] => namesIn(snapshotFolder(home, cluster)).map(({ name }) => name);
