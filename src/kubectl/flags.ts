import { parseDurationMs } from "../apimachinery/time.ts";
import { FlagError } from "./errors.ts";

export type FlagType = "bool" | "string" | "int" | "duration" | "stringArray" | "stringSlice";

export interface Flag {
  readonly name: string;
  readonly short?: string;
  readonly type: FlagType;
  readonly default?: string | boolean;
  /** What the flag means when it is given without a value: "unchanged" for `--dry-run`. Flags of type bool mean true. */
  readonly bare?: string;
  readonly usage?: string;
}

export interface ParsedFlags {
  readonly args: readonly string[];
  /** How many arguments came before `--`; -1 when there was none. */
  readonly argsLengthAtDash: number;
  readonly given: ReadonlySet<string>;
  text(name: string): string;
  bool(name: string): boolean;
  int(name: string): number;
  durationMs(name: string): number;
  list(name: string): readonly string[];
}

const quoted = (text: string): string => JSON.stringify(text);
const truths: Readonly<Record<string, boolean>> = {
  1: true, t: true, T: true, true: true, TRUE: true, True: true, 0: false, f: false, F: false, false: false, FALSE: false, False: false,
};

/** The reason why a text is no value of the type, in Go's words. */
function mistakeIn(type: FlagType, text: string): string | undefined {
  if (type === "bool") return Object.hasOwn(truths, text) ? undefined : `strconv.ParseBool: parsing ${quoted(text)}: invalid syntax`;
  if (type === "int") return /^[-+]?\d+$/.test(text) ? undefined : `strconv.ParseInt: parsing ${quoted(text)}: invalid syntax`;
  if (type === "duration") {
    try {
      parseDurationMs(text);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  return undefined;
}

class Values implements ParsedFlags {
  readonly args: readonly string[];
  readonly argsLengthAtDash: number;
  readonly #flags: ReadonlyMap<string, Flag>;
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(flags: ReadonlyMap<string, Flag>, values: ReadonlyMap<string, readonly string[]>, args: readonly string[], argsLengthAtDash: number) {
    this.#flags = flags;
    this.#values = values;
    this.args = args;
    this.argsLengthAtDash = argsLengthAtDash;
  }

  get given(): ReadonlySet<string> {
    return new Set(this.#values.keys());
  }

  text(name: string): string {
    return this.#values.get(name)?.at(-1) ?? String(this.#flags.get(name)?.default ?? "");
  }
  bool(name: string): boolean {
    return truths[this.#values.get(name)?.at(-1) ?? String(this.#flags.get(name)?.default ?? false)] ?? false;
  }
  int(name: string): number {
    return Number(this.#values.get(name)?.at(-1) ?? this.#flags.get(name)?.default ?? 0);
  }
  durationMs(name: string): number {
    return parseDurationMs(this.text(name) === "" ? "0s" : this.text(name));
  }
  list(name: string): readonly string[] {
    const values = this.#values.get(name) ?? [];
    return this.#flags.get(name)?.type === "stringSlice" ? values.flatMap((value) => (value === "" ? [] : value.split(","))) : values;
  }
}

/** Whether an argument is a flag that takes the next argument as its value. */
export function takesNext(argument: string, flags: readonly Flag[]): boolean {
  if (argument.startsWith("--")) {
    const flag = flags.find(({ name }) => name === argument.slice(2));
    return !argument.includes("=") && flag !== undefined && flag.type !== "bool" && flag.bare === undefined;
  }
  const flag = flags.find(({ short }) => short === argument[1]);
  return argument.length === 2 && flag !== undefined && flag.type !== "bool" && flag.bare === undefined;
}

/**
 * Reads arguments as pflag does: `--name value`, `--name=value`, `-ovalue`, `-o=value`, `-it`, `-wo yaml`, `--watch=false`, and `--`, behind
 * which everything is an argument.
 * @throws {FlagError} in pflag's words.
 */
export function parseFlags(given: readonly string[], definitions: readonly Flag[]): ParsedFlags {
  const byName = new Map(definitions.map((flag) => [flag.name, flag]));
  const byShort = new Map(definitions.flatMap((flag) => (flag.short === undefined ? [] : [[flag.short, flag] as const])));
  const values = new Map<string, string[]>();
  const args: string[] = [];
  let atDash = -1;

  const set = (flag: Flag, text: string, written: string): void => {
    const mistake = mistakeIn(flag.type, text);
    if (mistake !== undefined) throw new FlagError(`invalid argument ${quoted(text)} for ${quoted(written)} flag: ${mistake}`);
    values.set(flag.name, [...(values.get(flag.name) ?? []), text]);
  };
  const bareOf = (flag: Flag): string | undefined => (flag.type === "bool" ? "true" : flag.bare);

  for (let index = 0; index < given.length; index++) {
    const argument = given[index] ?? "";
    if (argument === "--") {
      atDash = args.length;
      args.push(...given.slice(index + 1));
      break;
    }
    if (argument.length < 2 || !argument.startsWith("-")) {
      args.push(argument);
      continue;
    }
    if (argument.startsWith("--")) {
      const equals = argument.indexOf("=");
      const name = argument.slice(2, equals < 0 ? undefined : equals);
      if (name === "" || name.startsWith("-")) throw new FlagError(`bad flag syntax: ${argument}`);
      const flag = byName.get(name);
      if (!flag) throw new FlagError(`unknown flag: --${name}`);
      const written = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
      const bare = bareOf(flag);
      if (equals >= 0) set(flag, argument.slice(equals + 1), written);
      else if (bare !== undefined) set(flag, bare, written);
      else if (index + 1 < given.length) set(flag, given[++index] ?? "", written);
      else throw new FlagError(`flag needs an argument: --${name}`);
      continue;
    }
    for (let rest = argument.slice(1); rest !== ""; ) {
      const short = rest[0] ?? "";
      const flag = byShort.get(short);
      if (!flag) throw new FlagError(`unknown shorthand flag: '${short}' in -${rest}`);
      const written = `-${short}, --${flag.name}`;
      const bare = bareOf(flag);
      if (rest[1] === "=") {
        set(flag, rest.slice(2), written);
        break;
      }
      if (bare !== undefined) {
        set(flag, bare, written);
        rest = rest.slice(1);
        continue;
      }
      if (rest.length > 1) set(flag, rest.slice(1), written);
      else if (index + 1 < given.length) set(flag, given[++index] ?? "", written);
      else throw new FlagError(`flag needs an argument: '${short}' in -${rest}`);
      break;
    }
  }
  return new Values(byName, values, args, atDash);
}
