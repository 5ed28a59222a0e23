// `npm run build`: the publishable JavaScript in dist/. Types are stripped, nothing is bundled: what runs is what can be read.
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");

rmSync(out, { recursive: true, force: true });
execFileSync(join(root, "node_modules/.bin/tsc"), ["--noEmit"], { cwd: root, stdio: "inherit" });

const sources = globSync("src/**/*.ts", { cwd: root }).filter((file) => !file.endsWith(".test.ts") && !file.includes("/testing/"));
for (const source of sources) {
  const target = join(out, source.slice("src/".length).replace(/\.ts$/, ".js"));
  const code = stripTypeScriptTypes(readFileSync(join(root, source), "utf8"), { mode: "strip" });
  mkdirSync(dirname(target), { recursive: true });
  // Imports name files as they are in the source; in dist/ they are JavaScript.
  writeFileSync(target, code.replaceAll(/((?:from|import\(|import|new URL\()\s*"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
}
console.log(`dist/: ${sources.length} modules`);
