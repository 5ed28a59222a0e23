import { createReadStream, createWriteStream } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Cri } from "../../cri/cri.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";

export interface RotationLimits {
  readonly bytesMax: number;
  /** Files of one container, the one that is written included. */
  readonly filesMax: number;
}
export const rotationLimits: RotationLimits = { bytesMax: 10 * 1024 * 1024, filesMax: 5 };
const checkEveryMs = 10_000;

/** What to do with the rotated files of a log, oldest first by their names: those beyond the limit go, all but the newest are compressed. */
export function planRotated(names: readonly string[], filesMax: number): { readonly remove: readonly string[]; readonly compress: readonly string[] } {
  const sorted = names.filter((name) => !name.endsWith(".tmp")).toSorted();
  const kept = sorted.slice(Math.max(sorted.length - (filesMax - 2), 0)); // One is being written, one is about to be rotated.
  return {
    remove: [...names.filter((name) => name.endsWith(".tmp")), ...sorted.slice(0, sorted.length - kept.length)],
    compress: kept.filter((name) => !name.endsWith(".gz")),
  };
}

const stampOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");

/** Rotates one log when it has grown too large, and tells the runtime to write into a new file. */
export async function rotateLog(options: { readonly cri: Cri; readonly containerId: string; readonly path: string; readonly limits: RotationLimits; readonly nowMs: number; readonly signal: AbortSignal }): Promise<boolean> {
  const { cri, containerId, path, limits, nowMs, signal } = options;
  const found = await stat(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!found || found.size < limits.bytesMax) return false;
  const dir = dirname(path);
  const rotated = (await readdir(dir)).filter((name) => name.startsWith(`${basename(path)}.`));
  const { remove, compress } = planRotated(rotated, limits.filesMax);
  await Promise.all(remove.map((name) => rm(`${dir}/${name}`, { force: true })));
  for (const name of compress) {
    const file = `${dir}/${name}`;
    await pipeline(createReadStream(file), createGzip(), createWriteStream(`${file}.tmp`, { mode: 0o640 }), { signal });
    await rename(`${file}.tmp`, `${file}.gz`);
    await rm(file);
  }
  const target = `${path}.${stampOf(nowMs)}`;
  await rename(path, target);
  try {
    await cri.reopenContainerLog({ containerId }, { signal });
  } catch (error) {
    await rename(target, path); // The runtime still writes into the old file: it keeps its name.
    throw error;
  }
  return true;
}

/** Keeps the logs of all running containers within their limits until the signal aborts. */
export async function rotateLogs(options: { readonly cri: Cri; readonly running: () => readonly { readonly id: string; readonly logPath: string }[]; readonly limits: RotationLimits; readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal }): Promise<void> {
  const { cri, running, limits, clock, log, signal } = options;
  while (!signal.aborted) {
    for (const { id, logPath } of running()) {
      try {
        await rotateLog({ cri, containerId: id, path: logPath, limits, nowMs: clock.now(), signal });
      } catch (error) {
        if (signal.aborted) return;
        log.warn("a log could not be rotated", { container: id, path: logPath, error });
      }
    }
    await clock.sleep(checkEveryMs, { signal }).catch(() => undefined); // Rejects only on abort, which the loop sees.
  }
}
