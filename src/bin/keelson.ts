#!/usr/bin/env node
/** `keelson <command>`, from source: hands over to the bundle that was made of this very source, where there is one, else finds the command and loads nothing else. */
import module from "node:module";
import { join } from "node:path";
import { compileCacheFolder } from "./compile-cache.ts";

// Before anything else is loaded: what was compiled (and stripped of its types) once is not compiled again, which makes a start several times as fast.
module.enableCompileCache(compileCacheFolder(process.env));

/** What lasts, or starts what lasts. Short commands are done from a few modules before a bundle with everything in it is read. */
const bundled = new Set(["up", "demo", "server", "agent"]);

async function bundleFor(command: string): Promise<string | undefined> {
  if (!import.meta.filename.endsWith(".ts")) return undefined; // Published: there is no source to make one of.
  if (!bundled.has(command) || process.env["KEELSON_FROM_SOURCE"] !== undefined) return undefined;
  const { bundleOf } = await import("./bundle/present.ts");
  return await bundleOf(join(import.meta.dirname, "..", ".."));
}

const bundle = await bundleFor(process.argv[2] ?? "help");
if (bundle !== undefined) {
  module.createRequire(import.meta.url)(bundle);
} else {
  const [{ main }, { commands }] = await Promise.all([import("./main.ts"), import("./commands.ts")]);
  await main(commands, () => module.flushCompileCache());
}
