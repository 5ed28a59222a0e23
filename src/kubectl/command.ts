import type { Clock } from "../stdx/clock.ts";
import type { Flag, ParsedFlags } from "./flags.ts";
import type { Session } from "./session.ts";

export interface Output {
  write(text: string | Uint8Array): unknown;
}

/** The world as a command sees it; tests give their own. */
export interface Streams {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How the program was called, for hints in messages: "kubectl". */
  readonly name: string;
}

export interface KubectlCommand {
  /** Behind the name of the program: "get TYPE [NAME]". */
  readonly use: string;
  readonly flags: readonly Flag[];
  /** Names of flags that have to be given. */
  readonly required?: readonly string[];
  readonly subcommands?: Readonly<Record<string, KubectlCommand>>;
  /** Returns the exit code where it is not 0. */
  run?(session: Session, flags: ParsedFlags): Promise<number | void>;
}
