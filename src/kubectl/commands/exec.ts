import type { KubectlCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { podTimeoutFlag } from "../global-flags.ts";
import { readManifests } from "../manifests.ts";
import { chosenContainer, podFor, podsPath } from "../requests/pods.ts";
import { runRemote } from "../requests/remote-command.ts";
import type { Session } from "../session.ts";

export const isTerminal = (session: Session): boolean => (session.streams.stdin as { readonly isTTY?: boolean }).isTTY === true;

/** Whether a terminal can be passed on; says so when it was asked for and cannot. */
export function terminalFor(session: Session, wanted: boolean, stdin: boolean, quiet: boolean): boolean {
  if (!wanted || !stdin) return false;
  if (isTerminal(session)) return true;
  if (!quiet) session.warn("Unable to use a TTY - input is not a terminal or the right kind of file");
  return false;
}

export const exec: KubectlCommand = {
  use: "exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
  flags: [
    podTimeoutFlag("1m0s"), { name: "container", short: "c", type: "string" }, { name: "filename", short: "f", type: "stringSlice" }, { name: "stdin", short: "i", type: "bool" }, { name: "tty", short: "t", type: "bool" },
    { name: "quiet", short: "q", type: "bool" },
  ],
  async run(session, flags) {
    const { args, argsLengthAtDash } = flags;
    const files = flags.list("filename");
    const resource = args.length > 0 && argsLengthAtDash !== 0 ? args[0] : undefined;
    if (argsLengthAtDash < 0 && (args.length > 1 || (args.length > 0 && files.length > 0))) throw new UsageError("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead");
    const command = argsLengthAtDash < 0 ? [] : args.slice(argsLengthAtDash);
    if (resource === undefined && files.length === 0) throw new Error("pod, type/name or --filename must be specified");
    if (command.length === 0) throw new Error("you must specify at least one command for the container");
    const { namespace, explicit } = await session.namespace();
    let argument = resource ?? "";
    if (resource === undefined) {
      const { infos: [info], errors } = await readManifests(session, { filenames: files, recursive: false, namespace, explicitNamespace: explicit });
      if (!info) throw errors[0] ?? new Error("no objects in the files");
      argument = `${info.mapping.resource}${info.mapping.group === "" ? "" : `.${info.mapping.version}.${info.mapping.group}`}/${info.name}`;
    }
    const pod = await podFor(session, argument, namespace, flags.durationMs("pod-running-timeout"));
    const phase = pod.status?.phase;
    if (phase === "Succeeded" || phase === "Failed") throw new Error(`cannot exec into a container in a completed pod; current phase is ${phase}`);
    const quiet = flags.bool("quiet");
    const { container } = chosenContainer(session, pod, flags.text("container"), quiet);
    const stdin = flags.bool("stdin");
    const tty = terminalFor(session, flags.bool("tty"), stdin, quiet);
    await runRemote(session, {
      path: podsPath(pod.metadata.namespace ?? namespace, pod.metadata.name ?? "", "exec"), tty, stdin: stdin ? session.streams.stdin : undefined,
      query: [
        ...command.map((word) => ["command", word] as const), ["container", container.name], ...(tty ? [] : [["stderr", "true"] as const]), ...(stdin ? [["stdin", "true"] as const] : []), ["stdout", "true"],
        ...(tty ? [["tty", "true"] as const] : []),
      ],
    });
  },
};
