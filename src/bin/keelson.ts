#!/usr/bin/env node
/** `keelson <command>`: finds the command and loads nothing else, so that each starts as quickly as it can. */
import module from "node:module";
import { compileCacheFolder } from "./compile-cache.ts";

// Before anything else is loaded: what was compiled (and stripped of its types) once is not compiled again, which makes a start several times as fast.
module.enableCompileCache(compileCacheFolder(process.env));
const { commands } = await import("./commands.ts");

const [name = "help", ...args] = process.argv.slice(2);
const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;

if (name === "help" || name === "--help" || name === "-h") {
  const width = Math.max(...Object.keys(commands).map((each) => each.length));
  console.log("Keelson: Kubernetes 1.36 on this machine.\n\nUsage: keelson COMMAND\n");
  for (const [each, { summary }] of Object.entries(commands)) console.log(`  ${each.padEnd(width)}  ${summary}`);
} else if (!entry) {
  console.error(`keelson: unknown command ${JSON.stringify(name)}; \`keelson help\` lists all`);
  process.exitCode = 2;
} else {
  const interrupt = new AbortController();
  for (const each of ["SIGINT", "SIGTERM"] as const) process.on(each, () => interrupt.abort(new Error(`ended by ${each}`)));
  try {
    const run = await entry.load();
    process.exitCode = await run(args, interrupt.signal);
  } catch (error) {
    // Only what nobody expected arrives here; commands print the rest themselves.
    console.error(interrupt.signal.aborted ? `keelson: ${String(interrupt.signal.reason?.message ?? "interrupted")}` : error);
    process.exitCode = interrupt.signal.aborted ? 130 : 1;
  }
}
