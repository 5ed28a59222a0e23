import { spawn } from "node:child_process";

export interface CommandOptions {
  readonly input?: string;
  readonly signal?: AbortSignal;
  /** The folder to run in; ours by default. */
  readonly cwd?: string;
  /** Standard output beyond this ends the command with an error. */
  readonly outputBytesMax?: number;
}

/** A command ended with another exit code than 0; `stderr` says why. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(command: readonly string[], exitCode: number | null, stderr: string) {
    super(`${command.join(" ")}: ${stderr.trim() || `exit code ${exitCode}`}`);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Runs a program of the machine (ip, nft, ctr) to its end and returns what it printed. @throws CommandError */
export function command(argv: readonly [string, ...string[]], options: CommandOptions = {}): Promise<string> {
  const { input, signal, cwd, outputBytesMax = 64 * 1024 * 1024 } = options;
  return new Promise((resolve, reject) => {
    const [program, ...args] = argv;
    const child = spawn(program, args, { stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"], ...(signal && { signal }), ...(cwd !== undefined && { cwd }) });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let bytes = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > outputBytesMax) child.kill("SIGKILL");
      else out.push(chunk);
    });
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", (error) => reject("code" in error && error.code === "ENOENT" ? new CommandError(argv, null, `${program} is not installed`) : error));
    child.on("close", (exitCode) => {
      if (exitCode === 0) resolve(Buffer.concat(out).toString());
      else reject(new CommandError(argv, exitCode, bytes > outputBytesMax ? "printed too much" : Buffer.concat(err).toString()));
    });
    if (input !== undefined) {
      child.stdin?.on("error", () => {}); // The program may end without reading its input; its exit code tells.
      child.stdin?.end(input);
    }
  });
}
