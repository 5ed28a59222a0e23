import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { Clock } from "../../stdx/clock.ts";
import { command } from "../../stdx/command.ts";
import { containerdPaths, type ContainerdPaths } from "./config.ts";
import { shimsOf } from "./forgotten-shims.ts";
import { cgroupsOf, commandLineOf, mountsUnder, signalProcess } from "./processes.ts";

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // A part that was never made, or is gone already.
  }
};
const list = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);

/** The process in the pid file, if it still is the containerd of these paths and not another that got the same id. */
export function livePid(paths: ContainerdPaths): number | undefined {
  const pid = Number(read(paths.pidFile));
  return pid > 0 && commandLineOf(pid)?.includes(paths.config) === true ? pid : undefined;
}

async function gone(pids: readonly number[], options: { readonly clock: Clock; readonly signal: AbortSignal; readonly waitMsMax: number }): Promise<boolean> {
  for (let waitedMs = 0, delayMs = 1; waitedMs < options.waitMsMax; waitedMs += delayMs, delayMs = Math.min(delayMs * 2, 50)) {
    if (!pids.some((pid) => commandLineOf(pid) !== undefined)) return true;
    await options.clock.sleep(delayMs, options);
  }
  return false;
}

/**
 * Ends and removes whatever a containerd left under a node's state folder, also after a crash of any part: its process, its shims, their
 * containers, mounts and sockets. Works without containerd. Files below the folder stay, for the caller to remove.
 */
export async function cleanupContainerd(options: { readonly stateDir: string; readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
  const { stateDir, clock, signal } = options;
  const paths = containerdPaths(stateDir);
  const wait = { clock, signal, waitMsMax: 5000 };
  const main = livePid(paths);
  if (main !== undefined) {
    signalProcess(main, "SIGTERM");
    if (!(await gone([main], { ...wait, waitMsMax: 2000 }))) {
      signalProcess(main, "SIGKILL");
      await gone([main], wait);
    }
  }

  const tasks = `${paths.state}/io.containerd.runtime.v2.task/k8s.io`;
  const ended: number[] = [];
  const end = (pid: number): void => {
    if (signalProcess(pid, "SIGKILL")) ended.push(pid);
  };
  const bundles = list(tasks);
  for (const id of bundles) {
    const pid = Number(read(`${tasks}/${id}/init.pid`));
    if (pid > 1 && cgroupsOf(pid).includes(id)) end(pid);
  }
  for (const { pid } of shimsOf(paths.socket)) end(pid);
  await gone(ended, wait);

  for (const id of bundles) {
    const address = read(`${tasks}/${id}/address`).replace(/^unix:\/\//, "");
    if (address.startsWith("/run/containerd/s/")) rmSync(address, { force: true });
  }
  for (const mount of mountsUnder(stateDir)) await command(["umount", "--lazy", mount], { signal });
  rmSync(paths.socket, { force: true });
  rmSync(`${paths.socket}.ttrpc`, { force: true });
  rmSync(paths.pidFile, { force: true });
}
