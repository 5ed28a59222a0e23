import { watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";

/** A key and its certificate are written one after the other: both must be there before they are read. */
const settleMs = 500;

/** Calls back when a file gets a new content, also by being replaced: certificates and kubeconfigs that were renewed while a process runs. */
export function onFileChange(path: string, { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal }, changed: () => Promise<void>): void {
  let waiting = false;
  const watcher = watch(dirname(path), { persistent: false, signal }, (_, file) => {
    if (file !== basename(path) || waiting) return;
    waiting = true;
    void (async () => {
      try {
        await clock.sleep(settleMs, { signal });
        waiting = false;
        await changed();
        log.info("read again after it changed", { path });
      } catch (error) {
        waiting = false;
        if (!signal.aborted) log.error("could not be read again after it changed", { path, error });
      }
    })();
  });
  watcher.on("error", (error) => log.warn("changes are not noticed any more", { path, error }));
}
