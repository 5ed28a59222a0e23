import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { command } from "../../stdx/command.ts";
import { entryFile, programFile, workerFile } from "./files.ts";

/** Each file of a bundle, and the module that it begins with. */
const beginnings = { [entryFile]: "src/bin/bundle/entry.ts", [programFile]: "src/bin/commands.ts", [workerFile]: "src/storage/sqlite/worker.ts" } as const;

/**
 * Writes the whole program as three files of plain JavaScript into `folder`: what starts it, everything else (our libraries included), and the store's thread.
 * One module takes Node 0.3 ms to find, read and link however small it is, and a server needs four hundred. Nothing is minified, so that a stack can be read.
 *
 * Returns the path of every file that went into it, relative to `root`.
 * @throws {Error} when esbuild, a development dependency, is not installed, or the source is not right.
 */
export async function makeBundle(root: string, folder: string): Promise<readonly string[]> {
  // The compiler itself: the script around it wants a `node` on the PATH.
  const esbuild = createRequire(join(root, "package.json")).resolve(`@esbuild/linux-${process.arch}/bin/esbuild`);
  mkdirSync(folder, { recursive: true });
  const metafile = join(folder, "inputs.json");
  await command([
    esbuild, ...Object.entries(beginnings).map(([file, module]) => `${basename(file, ".js")}=${join(root, module)}`), `--outdir=${folder}`, `--metafile=${metafile}`,
    // CommonJS, because V8 takes compiled code back for a script but not for a module.
    "--bundle", "--format=cjs", "--platform=node", "--target=node26", "--charset=ascii", "--tsconfig-raw={}", "--log-level=error",
    "--define:import.meta.dirname=__dirname", "--define:import.meta.url=__moduleUrl", "--banner:js=const __moduleUrl = require('node:url').pathToFileURL(__filename).href;",
  ], { cwd: root });
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n'); // Whatever the package around it says.
  writeFileSync(join(folder, programFile), inAscii(readFileSync(join(folder, programFile), "utf8")));
  const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { readonly inputs: object };
  rmSync(metafile);
  return Object.keys(inputs);
}

/**
 * The loader reads bytes as characters, which is quicker than UTF-8 and takes half of the memory once there is a single character beyond Latin-1. The bundler has written
 * strings in ASCII already; what is left is in comments and in regular expressions, where an escape means the same.
 */
export const inAscii = (code: string): string => code.replaceAll(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
