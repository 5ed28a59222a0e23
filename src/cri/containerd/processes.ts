import { readdirSync, readFileSync } from "node:fs";

/** The command line of a process, or undefined when there is none of that id. */
export function commandLineOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return text === "" ? undefined : text.split("\0").slice(0, -1);
  } catch {
    return undefined; // The process is gone.
  }
}

export function* processes(): Generator<{ readonly pid: number; readonly commandLine: readonly string[] }, void> {
  for (const entry of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const commandLine = commandLineOf(Number(entry));
    if (commandLine) yield { pid: Number(entry), commandLine };
  }
}

/** The cgroups of a process as one text, empty when it is gone. */
export function cgroupsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8");
  } catch {
    return ""; // The process is gone.
  }
}

/** Sends a signal; false when the process is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether this process has a capability, by its number in capabilities(7). */
export function hasCapability(number: number): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${effective}`) >> BigInt(number)) % 2n === 1n;
}
export const capSysResource = 24;

/** Mount points at or below a folder, deepest first. */
export function mountsUnder(folder: string): readonly string[] {
  const unescape = (path: string): string => path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .flatMap((line) => line.split(" ")[4] ?? [])
    .map(unescape)
    .filter((path) => path === folder || path.startsWith(`${folder}/`))
    .toReversed();
}
