import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../stdx/clock.ts";

/** A process of ours, as its pid file names it. The start time guards against a pid that the kernel has given to somebody else since. */
export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTicks: number;
  readonly startedAt: string;
}

interface Stat { readonly startTicks: number; readonly zombie: boolean }
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { startTicks: Number(fields[19]), zombie: fields[0] === "Z" };
  } catch {
    return undefined; // No such process.
  }
}

const fileOf = (runFolder: string, name: string): string => join(runFolder, `${name}.pid`);

export function readProcess(runFolder: string, name: string): ProcessRecord | undefined {
  const file = fileOf(runFolder, name);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessRecord;
  } catch {
    return undefined; // Cut short by a crash while it was written: as good as absent.
  }
}

export const isAlive = (record: ProcessRecord | undefined): record is ProcessRecord => {
  const stat = record && statOf(record.pid);
  return stat !== undefined && !stat.zombie && stat.startTicks === record?.startTicks;
};

export const listProcesses = (runFolder: string): readonly ProcessRecord[] =>
  existsSync(runFolder)
    ? readdirSync(runFolder).filter((file) => file.endsWith(".pid")).flatMap((file) => readProcess(runFolder, file.slice(0, -".pid".length)) ?? [])
    : [];

/** Starts a program that outlives us, its output appended to `logFile`. */
export function startProcess(options: {
  readonly runFolder: string;
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly logFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: number;
}): ProcessRecord {
  mkdirSync(options.runFolder, { recursive: true, mode: 0o700 });
  const log = openSync(options.logFile, "a", 0o600);
  try {
    const [program, ...args] = options.argv;
    const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log], env: options.env, cwd: "/" });
    child.on("error", () => {}); // Told to the caller by the missing pid below.
    if (child.pid === undefined) throw new Error(`${program} could not be started`);
    child.unref();
    const record: ProcessRecord = { name: options.name, pid: child.pid, startTicks: statOf(child.pid)?.startTicks ?? 0, startedAt: new Date(options.nowMs).toISOString() };
    writeFileSync(fileOf(options.runFolder, options.name), `${JSON.stringify(record)}\n`, { mode: 0o600 });
    return record;
  } finally {
    closeSync(log);
  }
}

/** Puts this process itself on record, so that others see that it is at work, for as long as it lives or until `forgetProcess`. */
export function recordOwnProcess(runFolder: string, name: string, nowMs: number): void {
  mkdirSync(runFolder, { recursive: true, mode: 0o700 });
  const record: ProcessRecord = { name, pid: process.pid, startTicks: statOf(process.pid)?.startTicks ?? 0, startedAt: new Date(nowMs).toISOString() };
  writeFileSync(fileOf(runFolder, name), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

const pollMs = 10;

/** SIGTERM, then SIGKILL after `graceMs`; returns when the process is gone. */
export async function stopProcess(record: ProcessRecord, options: { readonly graceMs: number; readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
  const deadline = options.clock.now() + options.graceMs;
  send(record, "SIGTERM");
  while (isAlive(record)) {
    if (options.clock.now() >= deadline) send(record, "SIGKILL");
    await options.clock.sleep(pollMs, { signal: options.signal });
  }
}

function send(record: ProcessRecord, signal: NodeJS.Signals): void {
  if (!isAlive(record)) return;
  try {
    process.kill(record.pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}

export const forgetProcess = (runFolder: string, name: string): void => rmSync(fileOf(runFolder, name), { force: true });

/** Resident memory in bytes; 0 when the process is gone. */
export function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // Gone.
  }
}
