import { createRequire } from "node:module";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { constants, Script } from "node:vm";
import type { commands as allCommands } from "../commands.ts";
import type { KeepCompiled } from "../main.ts";
import { compiledCode, keepCode } from "./compiled-code.ts";
import { programFile } from "./files.ts";

export interface LoadedProgram {
  readonly commands: typeof allCommands;
  readonly keepCompiled: KeepCompiled;
}

/**
 * Runs the program of a bundle with what V8 had compiled of it when the same command ran before: every function that was called then, where Node's own cache of
 * modules holds none of those that are compiled when they are first called. That is a quarter of the time that a server takes to start.
 */
export function loadProgram(folder: string, { compiledFolder, command }: { readonly compiledFolder: string; readonly command: string }): LoadedProgram {
  const file = join(folder, programFile);
  const { ino, ctimeMs, size } = statSync(file);
  // V8 itself looks only at how long the source is, at its own version and its flags.
  const kept = join(compiledFolder, "program", `${[ino.toString(36), Math.round(ctimeMs * 1000).toString(36), size.toString(36)].join("-")}-${basename(command)}`);
  const known = compiledCode(kept);
  const script = new Script(`(function (require, module, exports, __filename, __dirname) {${readFileSync(file, "latin1")}\n})`, {
    filename: file, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER, ...(known && { cachedData: known.code }),
  });
  let extent = known && script.cachedDataRejected !== true ? known.extent : undefined;
  const program = { exports: {} };
  (script.runInThisContext() as (...args: readonly unknown[]) => void)(createRequire(file), program, program.exports, file, folder);
  return {
    commands: (program.exports as { readonly commands: typeof allCommands }).commands,
    keepCompiled: (now) => {
      if (extent === "whole" || extent === now) return;
      extent = now;
      mkdirSync(dirname(kept), { recursive: true });
      keepCode(kept, { extent: now, code: script.createCachedData() });
    },
  };
}
