import type { Pod } from "../../api/generated/core-v1.ts";
import type { KubectlCommand } from "../command.ts";
import { podTimeoutFlag } from "../global-flags.ts";
import { chosenContainer, podFor, podsPath } from "../requests/pods.ts";
import { keyBytes, runRemote } from "../requests/remote-command.ts";
import type { Session } from "../session.ts";
import { terminalFor } from "./exec.ts";

export interface AttachOptions {
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly quiet: boolean;
  readonly container: string;
  readonly detachKeys: string;
}

/** Attaches this process's streams to a container that runs. */
export async function attachTo(session: Session, pod: Pod, options: AttachOptions): Promise<void> {
  const { namespace = "", name = "" } = pod.metadata;
  const { container, field } = chosenContainer(session, pod, options.container, options.quiet);
  if (options.tty && container.tty !== true && !options.quiet) session.warn(`error: Unable to use a TTY - container ${container.name} did not allocate one`);
  const tty = terminalFor(session, container.tty === true, options.stdin, options.quiet);
  if (!options.quiet) {
    session.warn("All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.");
    session.warn("If you don't see a command prompt, try pressing enter.");
  }
  await runRemote(session, {
    path: podsPath(namespace, name, "attach"), tty, stdin: options.stdin ? session.streams.stdin : undefined, redraw: true, detachKeys: keyBytes(options.detachKeys === "" ? "ctrl-p,ctrl-q" : options.detachKeys),
    query: [["container", container.name], ...(tty ? [] : [["stderr", "true"] as const]), ...(options.stdin ? [["stdin", "true"] as const] : []), ["stdout", "true"], ...(tty ? [["tty", "true"] as const] : [])],
  });
  if (options.quiet || !options.stdin || !tty) return;
  const again = `${session.streams.name} attach ${name} -c ${container.name} -n ${namespace} -i -t`;
  session.print(field === "ephemeralContainers" ? `Session ended, the ephemeral container will not be restarted but may be reattached using '${again}' if it is still running` : `Session ended, resume using '${again}' command`);
}

export const attach: KubectlCommand = {
  use: "attach (POD | TYPE/NAME) -c CONTAINER",
  flags: [
    podTimeoutFlag("1m0s"), { name: "container", short: "c", type: "string" }, { name: "stdin", short: "i", type: "bool" }, { name: "tty", short: "t", type: "bool" }, { name: "quiet", short: "q", type: "bool" },
    { name: "detach-keys", type: "string", default: "ctrl-p,ctrl-q" },
  ],
  async run(session, flags) {
    const { args } = flags;
    if (args.length === 0) throw new Error("at least 1 argument is required for attach");
    if (args.length > 2) throw new Error(`expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${args.length}: [${args.join(" ")}]`);
    const timeoutMs = flags.durationMs("pod-running-timeout");
    if (timeoutMs <= 0) throw new Error("--pod-running-timeout must be higher than zero");
    const { namespace } = await session.namespace();
    const pod = await podFor(session, args.length === 2 ? `${args[0]}/${args[1]}` : (args[0] ?? ""), namespace, timeoutMs);
    const phase = pod.status?.phase;
    if (phase === "Succeeded" || phase === "Failed") throw new Error(`cannot attach a container in a completed pod; current phase is ${phase}`);
    await attachTo(session, pod, { stdin: flags.bool("stdin"), tty: flags.bool("tty"), quiet: flags.bool("quiet"), container: flags.text("container"), detachKeys: flags.text("detach-keys") });
  },
};
