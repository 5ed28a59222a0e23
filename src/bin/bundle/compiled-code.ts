import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";

/** Compiled code of a few commands of a few checkouts; a bound, since each change of the source begins new ones. */
const filesMax = 24;
const extents = ["brief", "whole"] as const;
const headBytes = 5;

export interface CompiledCode {
  /** Whether the process that it is of had run long enough to have called most of what it ever calls. */
  readonly extent: (typeof extents)[number];
  readonly code: Buffer;
}

/** Undefined when there is none, or when it is damaged: V8 does not look for damage, and would run it. */
export function compiledCode(file: string): CompiledCode | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined; // Not kept yet, or not ours to read.
  }
  const code = bytes.subarray(headBytes);
  const extent = extents[bytes[4] ?? extents.length];
  return extent !== undefined && bytes.readUInt32BE(0) === crc32(code) ? { extent, code } : undefined;
}

/** In one step, so that nobody reads half of it. Where it cannot be written, the next start takes longer, and that is all. */
export function keepCode(file: string, { extent, code }: CompiledCode): void {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(crc32(code), 0);
  head.writeUInt8(extents.indexOf(extent), 4);
  const unfinished = `${file}.${process.pid}`;
  try {
    writeFileSync(unfinished, Buffer.concat([head, code]), { mode: 0o600 });
    renameSync(unfinished, file);
    removeOldest(dirname(file));
  } catch {
    rmSync(unfinished, { force: true });
  }
}

function removeOldest(folder: string): void {
  const byAge = readdirSync(folder).map((name) => ({ path: join(folder, name), at: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 })).toSorted((a, b) => b.at - a.at);
  for (const { path } of byAge.slice(filesMax)) rmSync(path, { force: true });
}
