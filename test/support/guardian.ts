import { spawn, type ChildProcess } from "node:child_process";

/**
 * A shell that waits for us to end. However that happens, also by SIGKILL, it ends the programs and takes down the cluster that it was told of, so that
 * no test leaves anything on the machine. It reads process ids from its input, and acts when that is closed without "done".
 */
export class Guardian implements Disposable {
  readonly #child: ChildProcess;

  constructor(options: { readonly command: readonly string[]; readonly folder: string; readonly env: Readonly<Record<string, string | undefined>> }) {
    const script = 'folder=$1; shift; pids=; while read -r line; do [ "$line" = done ] && exit 0; pids="$pids $line"; done; for pid in $pids; do kill "$pid"; done; "$@"; rm -rf "$folder"';
    this.#child = spawn("sh", ["-c", script, "sh", options.folder, ...options.command], { detached: true, stdio: ["pipe", "ignore", "ignore"], env: options.env });
    this.#child.unref();
    const input = this.#child.stdin;
    if (input && "unref" in input && typeof input.unref === "function") input.unref();
    input?.on("error", () => {}); // It has ended already.
  }

  /** A program that must not outlive us. */
  alsoEnds(pid: number | undefined): void {
    if (pid !== undefined) this.#child.stdin?.write(`${pid}\n`);
  }

  /** There is nothing left to guard. */
  [Symbol.dispose](): void {
    this.#child.stdin?.end("done\n");
  }
}
