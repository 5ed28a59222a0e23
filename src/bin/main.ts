import { systemClock } from "../stdx/clock.ts";
import type { commands as allCommands } from "./commands.ts";

/** By then a process has started and has done most of what it ever does, so that most of its functions were compiled. */
const compiledAfterMs = 10_000;

/** Keeps what V8 has compiled for the next start. "whole": after long enough that most of what is ever needed is there. */
export type KeepCompiled = (extent: "brief" | "whole") => void;

/** Runs the command that the arguments name, to the process's exit code. */
export async function main(commands: typeof allCommands, keepCompiled: KeepCompiled): Promise<void> {
  const [name = "help", ...args] = process.argv.slice(2);
  if (name === "help" || name === "--help" || name === "-h") return console.log(helpText(commands));
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) {
    console.error(`keelson: unknown command ${JSON.stringify(name)}; \`keelson help\` lists all`);
    process.exitCode = 2;
    return;
  }
  const interrupt = new AbortController();
  for (const each of ["SIGINT", "SIGTERM"] as const) process.on(each, () => interrupt.abort(new Error(`ended by ${each}`)));
  const ended = new AbortController();
  // What lasts runs for weeks and often ends by SIGKILL, so it does not wait for its end.
  systemClock.sleep(compiledAfterMs, { signal: ended.signal }).then(() => keepCompiled("whole"), () => {});
  try {
    const run = await entry.load();
    process.exitCode = await run(args, interrupt.signal);
    if (process.exitCode === 0) keepCompiled("brief");
  } catch (error) {
    // Only what nobody expected arrives here; commands print the rest themselves.
    console.error(interrupt.signal.aborted ? `keelson: ${String(interrupt.signal.reason?.message ?? "interrupted")}` : error);
    process.exitCode = interrupt.signal.aborted ? 130 : 1;
  } finally {
    ended.abort();
  }
}

function helpText(commands: typeof allCommands): string {
  const width = Math.max(...Object.keys(commands).map((each) => each.length));
  return ["Keelson: Kubernetes 1.36 on this machine.\n\nUsage: keelson COMMAND\n", ...Object.entries(commands).map(([each, { summary }]) => `  ${each.padEnd(width)}  ${summary}`)].join("\n");
}
