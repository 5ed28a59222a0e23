import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** `server.ts` as a process of its own, which waits with all its modules loaded until it is told to open the file. */
export class ServerProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  #complaint = "";

  constructor(path: string, pkiFolder: string, program: readonly [string, ...string[]] = [process.execPath]) {
    const [file, ...args] = program;
    this.#child = spawn(file, [...args, join(import.meta.dirname, "server.ts"), path, pkiFolder], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.setEncoding("utf8").on("data", (chunk: string) => void (this.#complaint = (this.#complaint + chunk).slice(-8000)));
    this.#child.stdin.on("error", () => {}); // It was killed while it was spoken to.
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#ended = once(this.#child, "exit");
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has said on its standard error, the end of it. */
  get complaint(): string {
    return this.#complaint;
  }

  async loaded(): Promise<void> {
    const { value, done } = await this.#lines.next();
    if (done || value !== "loaded") throw new Error(`the server did not load: ${this.#complaint}`);
  }

  /** Opens the file. The port that it listens on; undefined when it was killed before. */
  async go(): Promise<number | undefined> {
    this.#child.stdin.write("go\n");
    const { value, done } = await this.#lines.next();
    return done ? undefined : Number(value);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
