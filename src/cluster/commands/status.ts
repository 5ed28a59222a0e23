import { existsSync, readFileSync, statSync } from "node:fs";
import { containerdPaths } from "../../cri/containerd/config.ts";
import { isAlive, listProcesses, residentBytes, type ProcessRecord } from "../processes.ts";
import { listSpecs, pathsOf, type ClusterSpec } from "../spec.ts";
import { processesNaming } from "./down.ts";

export interface ProcessStatus {
  readonly name: string;
  readonly pid: number;
  readonly residentBytes: number;
  readonly running: boolean;
  readonly startedAt: string;
}
export interface ClusterStatus {
  readonly name: string;
  readonly server: string;
  readonly createdAt: string;
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
  readonly processes: readonly ProcessStatus[];
  /** Shims of running pods: memory that the containers' runtime needs, one process a pod. */
  readonly shims: { readonly count: number; readonly residentBytes: number };
}

const statusOf = (record: ProcessRecord): ProcessStatus => {
  const running = isAlive(record);
  return { name: record.name, pid: record.pid, residentBytes: running ? residentBytes(record.pid) : 0, running, startedAt: record.startedAt };
};

/** A node's containerd, which its agent started. */
function containerdOf(stateDir: string, node: string): readonly ProcessStatus[] {
  const { pidFile } = containerdPaths(stateDir);
  if (!existsSync(pidFile)) return [];
  const pid = Number(readFileSync(pidFile, "utf8").trim());
  const bytes = residentBytes(pid);
  return [{ name: `containerd-${node}`, pid, residentBytes: bytes, running: bytes > 0, startedAt: statSync(pidFile).mtime.toISOString() }];
}

export function clusterStatus(home: string, spec: ClusterSpec, extra: readonly ProcessRecord[] = []): ClusterStatus {
  const paths = pathsOf(home, spec.name);
  const records = [...listProcesses(paths.run), ...extra];
  const known = new Set(records.map(({ pid }) => pid));
  const runtimes = spec.nodes.flatMap(({ name }) => containerdOf(paths.node(name), name));
  for (const { pid } of runtimes) known.add(pid);
  const shims = processesNaming(`${paths.root}/`).filter((pid) => !known.has(pid));
  return {
    name: spec.name,
    server: `https://127.0.0.1:${spec.apiPort}`,
    createdAt: spec.createdAt,
    nodes: spec.nodes.map(({ name, address }) => ({ name, address })),
    processes: [...records.map(statusOf), ...runtimes],
    shims: { count: shims.length, residentBytes: shims.reduce((sum, pid) => sum + residentBytes(pid), 0) },
  };
}

export const allStatuses = (home: string): readonly ClusterStatus[] => listSpecs(home).map((spec) => clusterStatus(home, spec));

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;

/** "3m12s": two units at most, as kubectl shows ages. */
export function ageText(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${s % 60}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h${Math.floor((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86_400)}d${Math.floor((s % 86_400) / 3600)}h`;
}

export function statusText(status: ClusterStatus, nowMs: number): string {
  const rows = status.processes.map(({ name, pid, residentBytes: bytes, running, startedAt }) =>
    running ? [name, String(pid), "running", ageText(nowMs - Date.parse(startedAt)), mebibytes(bytes)] : [name, "-", "stopped", "-", "-"]);
  const table = [["PROCESS", "PID", "STATE", "SINCE", "MEMORY"], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()}`);
  const total = status.processes.reduce((sum, { residentBytes: bytes }) => sum + bytes, 0) + status.shims.residentBytes;
  return [
    `cluster ${status.name} at ${status.server}, ${status.nodes.length} node${status.nodes.length === 1 ? "" : "s"}, made ${ageText(nowMs - Date.parse(status.createdAt))} ago`,
    ...lines,
    `  and ${status.shims.count} container shims with ${mebibytes(status.shims.residentBytes)}; ${mebibytes(total)} in all`,
  ].join("\n");
}
