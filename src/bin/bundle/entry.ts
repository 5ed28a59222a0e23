/** What a bundle starts with: `keelson <command>`, from one file that is compiled already. */
import { compileCacheFolder } from "../compile-cache.ts";
import { main } from "../main.ts";
import { loadProgram } from "./load.ts";

const { commands, keepCompiled } = loadProgram(import.meta.dirname, { compiledFolder: compileCacheFolder(process.env), command: process.argv[2] ?? "help" });
void main(commands, keepCompiled);
