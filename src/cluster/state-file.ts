import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { companionSuffixes } from "../storage/sqlite/companions.ts";
import { forgetProcess, isAlive, readProcess } from "./processes.ts";
import type { ClusterPaths } from "./spec.ts";

/** Where a cluster with an embedded store keeps its state. */
export const stateFileOf = (paths: Pick<ClusterPaths, "store">): string => join(paths.store, "state.db");

/**
 * How another state takes the place of the present one: it is made beside it as `state.db.next`, and when it is complete and durable it gets the
 * name `state.db.complete`, in one step. From then on it is the state: whoever finds it, puts it in place. So a crash at any moment leaves
 * the old state or the new one.
 */
export const nextStateFile = (file: string): string => `${file}.next`;
const completeStateFile = (file: string): string => `${file}.complete`;

/** The step after which the new state is the state. Nobody may have the old one open who would go on to write to it. */
export function commitState(file: string): void {
  renameSync(nextStateFile(file), completeStateFile(file));
  syncFolder(dirname(file));
}

/** Puts a state in place that has been committed, also when somebody was stopped in the middle of it. Nobody has either open. */
export function finishReplacement(file: string): void {
  const complete = completeStateFile(file);
  if (!existsSync(complete)) return;
  // The old one's log would be taken for the new one's.
  for (const suffix of companionSuffixes) rmSync(`${file}${suffix}`, { force: true });
  syncFolder(dirname(file));
  renameSync(complete, file);
  syncFolder(dirname(file));
}

/** The name under which a process that replaces the state is on record in the run folder. */
export const restoreName = "restore";

/** For a server that is about to open its state. @throws while the state is being replaced. */
export function readyStateFile(paths: ClusterPaths): string {
  const restoring = readProcess(paths.run, restoreName);
  if (isAlive(restoring) && restoring.pid !== process.pid) throw new Error(`the state of this cluster is being replaced by process ${restoring.pid}; it starts the server again when it is done`);
  if (restoring && !isAlive(restoring)) forgetProcess(paths.run, restoreName); // It was killed; what it has left undone is done here.
  const file = stateFileOf(paths);
  finishReplacement(file);
  return file;
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
