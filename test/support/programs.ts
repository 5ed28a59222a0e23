import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** How a program ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** The program is ended with SIGKILL after this, and the run is an error. */
  readonly msMax?: number;
}

export const defaultMsMax = 120_000;

/** Runs a program to its end, whatever its exit code is; with a bound, since a test that hangs says nothing. */
export function runProgram(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<Ended> {
  const { env = process.env, input, msMax = defaultMsMax } = options;
  return new Promise((resolve, reject) => {
    const [program, ...args] = argv;
    const child = spawn(program, args, { env, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    let [stdout, stderr, late] = ["", "", false];
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, msMax);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => void (stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => void (stderr += text));
    child.stdin?.on("error", () => {}); // It may end without reading all of its input.
    child.stdin?.end(input);
    child.on("error", (error) => (clearTimeout(timer), reject(error)));
    child.on("close", (code) => {
      clearTimeout(timer);
      if (late) reject(new Error(`${argv.join(" ")} did not end within ${msMax / 1000} s; it said:\n${stdout}\n${stderr}`));
      else resolve({ code, stdout, stderr });
    });
  });
}

const pollMs = 100;

/** Asks again until `ask` answers with something else than undefined, false or an error; tells the last of these when the time is over. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false> | T | undefined | false, options: { readonly msMax?: number } = {}): Promise<T> {
  const { msMax = 90_000 } = options;
  const deadline = Date.now() + msMax;
  for (;;) {
    let failure: unknown;
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${msMax / 1000} s in vain: ${what}`, { cause: failure });
    await sleep(pollMs);
  }
}

/** A program that goes on beside the test (port-forward, logs -f, get -w); ended when the test lets go of it. */
export class Running implements AsyncDisposable {
  readonly #child;
  readonly #argv: readonly string[];
  readonly #ended: Promise<number | null>;
  output = "";

  constructor(argv: readonly [string, ...string[]], options: { readonly env?: Readonly<Record<string, string | undefined>> } = {}) {
    const [program, ...args] = argv;
    this.#argv = argv;
    this.#child = spawn(program, args, { env: options.env ?? process.env, stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => void (this.output += text));
    this.#child.stdin.on("error", () => {});
    this.#ended = new Promise((resolve, reject) => this.#child.once("error", reject).once("close", resolve));
    this.#ended.catch(() => {});
  }

  send(text: string): void {
    this.#child.stdin.write(text);
  }

  closeInput(): void {
    this.#child.stdin.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until everything that was printed so far matches, and returns the match. */
  async expect(pattern: RegExp, options: { readonly msMax?: number } = {}): Promise<RegExpExecArray> {
    try {
      return await until(`${this.#argv.join(" ")} prints ${pattern}`, () => pattern.exec(this.output) ?? undefined, options);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}; it printed:\n${this.output}`, { cause: error });
    }
  }

  async exitCode(msMax = 60_000): Promise<number | null> {
    const late = Symbol();
    const waiting = new AbortController();
    const first = await Promise.race([this.#ended, sleep(msMax, late, { signal: waiting.signal }).catch(() => late)]);
    waiting.abort();
    if (typeof first === "symbol") throw new Error(`${this.#argv.join(" ")} did not end within ${msMax / 1000} s; it printed:\n${this.output}`);
    return first;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGTERM");
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
      await this.#ended.catch(() => {});
      clearTimeout(timer);
    }
  }
}
