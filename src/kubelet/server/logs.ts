import { watch } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../../stdx/clock.ts";
import { parseLogLine } from "../logs/tail.ts";

/** What of a container's log is wanted; after PodLogOptions. */
export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly sinceMs?: number;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly stream: "All" | "Stdout" | "Stderr";
}

export interface LogSource {
  readonly path: string;
  /** Asked when the end of the file was reached: while the container runs, more may come. */
  isRunning(): Promise<boolean>;
}

const blockBytes = 64 * 1024;
/** How often a container's end is looked for while nothing is written; writes themselves wake the reader. */
const idleCheckMs = 1_000;

/** Where the last `count` lines begin; 0 when there are fewer. Reads backwards, so that a long log costs nothing. */
export async function offsetOfTail(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count === 0) return size;
  const block = Buffer.alloc(blockBytes);
  let found = 0;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - blockBytes);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) {
      // The newline that ends the last line does not begin another one.
      if (block[at] !== 0x0a || start + at === size - 1) continue;
      if (++found === count) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

/** One line of the log as the client gets it; undefined when it is not wanted. */
export function renderLine(line: string, options: LogOptions, continued: boolean): { readonly text: string; readonly partial: boolean } | undefined {
  const parsed = parseLogLine(line);
  if (!parsed) return undefined;
  if (options.stream !== "All" && parsed.stream !== options.stream.toLowerCase()) return undefined;
  if (options.sinceMs !== undefined && Date.parse(parsed.time) < options.sinceMs) return undefined;
  const prefix = options.timestamps && !continued ? `${parsed.time} ` : "";
  return { text: `${prefix}${parsed.text}${parsed.partial ? "" : "\n"}`, partial: parsed.partial };
}

/**
 * The log of one container as chunks of text. With `follow` it goes on, also over a rotation, until the container has ended and all is read.
 * @throws ENOENT when there is no log.
 */
export async function* readLog(source: LogSource, options: LogOptions, context: { readonly clock: Clock; readonly signal: AbortSignal }): AsyncGenerator<Buffer, void> {
  const { signal } = context;
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  let file = await open(source.path, "r");
  let pending: Buffer = Buffer.alloc(0);
  let continued = false;
  try {
    let offset = options.tailLines === undefined ? 0 : await offsetOfTail(file, options.tailLines);
    using changes = options.follow ? watchFile(source.path) : undefined;
    for (;;) {
      const block = Buffer.allocUnsafe(blockBytes);
      const { bytesRead } = await file.read(block, 0, blockBytes, offset);
      signal.throwIfAborted();
      if (bytesRead > 0) {
        offset += bytesRead;
        pending = pending.length === 0 ? block.subarray(0, bytesRead) : Buffer.concat([pending, block.subarray(0, bytesRead)]);
        const end = pending.lastIndexOf(0x0a);
        if (end < 0) continue;
        const texts: string[] = [];
        for (const line of pending.subarray(0, end).toString().split("\n")) {
          const rendered = renderLine(line, options, continued);
          if (!rendered) continue;
          continued = rendered.partial;
          texts.push(rendered.text);
        }
        pending = Buffer.from(pending.subarray(end + 1));
        const chunk = Buffer.from(texts.join(""));
        if (chunk.length > 0) yield chunk.subarray(0, Math.min(chunk.length, left));
        left -= chunk.length;
        if (left <= 0) return;
        continue;
      }
      if (!options.follow || !changes) return;
      const running = await source.isRunning();
      const next = await reopened(file, source.path);
      if (next) {
        // The runtime wrote into the old file until it was told of the new one.
        if ((await file.stat()).size > offset) {
          await next.close();
          continue;
        }
        await file.close();
        [file, offset] = [next, 0];
        continue;
      }
      // What was written before the container ended may have come after the read above, so a last look follows.
      if (!running && (await file.stat()).size <= offset) return;
      if (running) await changes.next(context.clock, signal);
    }
  } finally {
    await file.close();
  }
}

/** After a rotation the path names another file: the old one has been read to its end. */
async function reopened(file: FileHandle, path: string): Promise<FileHandle | undefined> {
  try {
    const [now, known] = await Promise.all([stat(path), file.stat()]);
    return now.ino === known.ino ? undefined : await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined; // Between two files of a rotation.
    throw error;
  }
}

function watchFile(path: string): Disposable & { next(clock: Clock, signal: AbortSignal): Promise<void> } {
  let changed = Promise.withResolvers<void>();
  const watcher = watch(dirname(path), { persistent: false }, () => changed.resolve());
  watcher.on("error", () => changed.resolve()); // The folder went with its pod; the next look finds the container ended.
  return {
    async next(clock, signal) {
      const idle = new AbortController();
      const ended = AbortSignal.any([idle.signal, signal]);
      try {
        await Promise.race([changed.promise, clock.sleep(idleCheckMs, { signal: ended })]);
      } finally {
        idle.abort();
        changed = Promise.withResolvers<void>();
      }
      signal.throwIfAborted();
    },
    [Symbol.dispose]: () => watcher.close(),
  };
}
