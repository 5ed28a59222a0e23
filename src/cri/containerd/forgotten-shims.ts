import type { Log } from "../../stdx/log.ts";
import type { Cri } from "../cri.ts";
import { cgroupsOf, commandLineOf, processes, signalProcess } from "./processes.ts";

/** The process that holds the containers of one sandbox, and outlives containerd. */
export interface Shim {
  readonly pid: number;
  /** Of the sandbox. */
  readonly id: string;
}

function shimIn(commandLine: readonly string[], socket: string): string | undefined {
  const argument = (name: string): string | undefined => (commandLine.includes(name) ? commandLine[commandLine.indexOf(name) + 1] : undefined);
  return (commandLine[0] ?? "").includes("containerd-shim") && argument("-address") === socket ? argument("-id") : undefined;
}

/** Shims of the containerd that listens, or listened, on a socket. */
export function shimsOf(socket: string): readonly Shim[] {
  return [...processes()].flatMap(({ pid, commandLine }) => {
    const id = shimIn(commandLine, socket);
    return id === undefined ? [] : [{ pid, id }];
  });
}

/**
 * A containerd that is killed while it makes a sandbox does not find that sandbox's shim again when it comes back: the shim and the `runc init` below it
 * would stay for as long as the machine runs. Ends those of `earlier`, the shims from before this start of containerd, whose sandbox it does not know.
 */
export async function endForgottenShims(options: { readonly cri: Cri; readonly socket: string; readonly earlier: readonly Shim[]; readonly log: Log; readonly signal: AbortSignal }): Promise<void> {
  const { cri, socket, earlier, log, signal } = options;
  if (earlier.length === 0) return;
  const { items } = await cri.listPodSandbox({}, { signal });
  const known = new Set(items.map(({ id }) => id));
  const forgotten = earlier.filter(({ pid, id }) => !known.has(id) && shimIn(commandLineOf(pid) ?? [], socket) === id); // The process id may be another's by now.
  if (forgotten.length === 0) return;
  for (const { pid } of processes()) {
    const groups = cgroupsOf(pid);
    if (forgotten.some(({ id }) => groups.includes(id))) signalProcess(pid, "SIGKILL");
  }
  for (const { pid } of forgotten) signalProcess(pid, "SIGKILL");
  log.info("shims of sandboxes that containerd does not know were ended", { sandboxes: forgotten.map(({ id }) => id.slice(0, 12)) });
}
