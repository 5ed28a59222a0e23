import type { KubectlCommand, Streams } from "./command.ts";
import { commands, suggestions } from "./commands.ts";
import { FlagError, reportOf } from "./errors.ts";
import { parseFlags, takesNext, type Flag, type ParsedFlags } from "./flags.ts";
import { globalFlags } from "./global-flags.ts";
import { Session } from "./session.ts";

interface Chosen {
  readonly command: KubectlCommand;
  readonly path: string;
  readonly rest: readonly string[];
}

/** The first argument that is no flag and no flag's value. */
function firstWord(args: readonly string[], flags: readonly Flag[]): number {
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    if (argument === "--") return -1;
    if (!argument.startsWith("-") || argument === "-") return index;
    if (takesNext(argument, flags)) index++;
  }
  return -1;
}

function subcommandOf({ command, path, rest }: Chosen): Chosen {
  if (!command.subcommands) return { command, path, rest };
  const at = firstWord(rest, [...command.flags, ...globalFlags]);
  const word = at < 0 ? undefined : rest[at];
  if (word === undefined || !Object.hasOwn(command.subcommands, word)) return { command, path, rest };
  const sub = command.subcommands[word];
  return sub ? subcommandOf({ command: sub, path: `${path} ${sub.use.split(" ")[path.split(" ").length - 1] ?? word}`, rest: rest.toSpliced(at, 1) }) : { command, path, rest };
}

function helpText(path: string, { use, flags, subcommands }: KubectlCommand): string {
  const options = flags.map(({ name, short, type, default: value }) => `    ${short === undefined ? "" : `-${short}, `}--${name}=${value ?? (type === "bool" ? "false" : type === "string" ? "''" : type === "int" ? "0" : type === "duration" ? "0s" : "[]")}`);
  return [
    ...(subcommands ? ["Available Commands:", ...Object.keys(subcommands).map((name) => `  ${name}`), ""] : []),
    ...(options.length > 0 ? ["Options:", ...options, ""] : []), "Usage:", `  ${path.split(" ")[0]} ${use} [options]`, "",
  ].join("\n");
}

const overview = (name: string): string => `${name} controls the Kubernetes cluster manager.\n\nCommands:\n${Object.keys(commands).toSorted().map((each) => `  ${each}`).join("\n")}\n\nUsage:\n  ${name} [flags] [options]\n`;

/** One run of kubectl; answers the exit code. */
export async function runKubectl(args: readonly string[], streams: Streams): Promise<number> {
  const write = (text: string): void => void streams.stderr.write(text.endsWith("\n") ? text : `${text}\n`);
  const at = firstWord(args, globalFlags);
  const word = at < 0 ? undefined : args[at];
  if (word === undefined) {
    try {
      parseFlags(args, globalFlags);
    } catch (error) {
      if (!(error instanceof FlagError)) throw error;
      write(reportOf(error, { commandPath: streams.name, server: "" }).text);
      return 1;
    }
  }
  if (word === undefined || word === "help") {
    streams.stdout.write(overview(streams.name));
    return 0;
  }
  const entry = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (!entry) {
    const similar = suggestions(word);
    write(`error: unknown command ${JSON.stringify(word)} for ${JSON.stringify(streams.name)}${similar.length > 0 ? `\n\nDid you mean this?\n${similar.map((each) => `\t${each}\n`).join("")}` : ""}`);
    return 1;
  }
  const { command, path, rest } = subcommandOf({ command: await entry(), path: `${streams.name} ${word}`, rest: args.toSpliced(at, 1) });
  return runCommand(command, path, rest, streams, write);
}

async function runCommand(command: KubectlCommand, commandPath: string, rest: readonly string[], streams: Streams, write: (text: string) => void): Promise<number> {
  let flags: ParsedFlags;
  try {
    const taken = new Set(command.flags.flatMap(({ short }) => short ?? []));
    flags = parseFlags(rest, [...command.flags, ...globalFlags.map((flag) => (flag.short !== undefined && taken.has(flag.short) ? { name: flag.name, type: flag.type } : flag))]);
    if (flags.bool("help") || !command.run) {
      streams.stdout.write(helpText(commandPath, command));
      return flags.bool("help") ? 0 : 1;
    }
    const missing = (command.required ?? []).filter((name) => !flags.given.has(name));
    if (missing.length > 0) throw new Error(`required flag(s) ${missing.map((name) => JSON.stringify(name)).join(", ")} not set`);
  } catch (error) {
    const { text, code } = reportOf(error, { commandPath, server: "" });
    write(text);
    return code;
  }
  using session = new Session(streams, flags, commandPath);
  try {
    const code = (await command.run(session, flags)) ?? 0;
    if (code === 0 && session.warnings > 0 && flags.bool("warnings-as-errors")) {
      write(`error: ${session.warnings} warning${session.warnings === 1 ? "" : "s"} received`);
      return 1;
    }
    return code;
  } catch (error) {
    if (streams.signal.aborted) return 130;
    const { text, code } = reportOf(error, { commandPath, server: session.server });
    if (text !== "") write(text);
    return code;
  }
}
