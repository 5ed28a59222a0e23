// `npm run build`: the publishable JavaScript in dist/. Types are stripped, nothing is bundled: what runs is what can be read.
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";
import { writeDeclarations } from "./declarations.ts";
import { bundleDescriptions, bundleFileName } from "../src/kube-apiserver/openapi/descriptions.ts";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");

/** Imports name files as they are in the source; in dist/ they are JavaScript. */
const imported = /((?:\bfrom|\bimport\s*\(|\bimport|new URL\()\s*"(\.{1,2}\/[^"]+))\.ts"/g;
const testOnly = /\.test\.ts$|\/testing\/|\/(?:suite|fixture)\.ts$/;

rmSync(out, { recursive: true, force: true });
if (!process.argv.includes("--no-check")) execFileSync(join(root, "node_modules/.bin/tsc"), ["--noEmit"], { cwd: root, stdio: "inherit" });

const sources = globSync("src/**/*.ts", { cwd: root }).filter((file) => !testOnly.test(file));
const missing: string[] = [];
for (const source of sources) {
  const target = join(out, source.slice("src/".length).replace(/\.ts$/, ".js"));
  const code = stripTypeScriptTypes(readFileSync(join(root, source), "utf8"), { mode: "strip" });
  for (const [, , path = ""] of code.matchAll(imported)) {
    const needed = `${join(dirname(source), path)}.ts`;
    if (testOnly.test(needed) || !existsSync(join(root, needed))) missing.push(`${source} imports ${path}.ts, which is not part of the package`);
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code.replaceAll(imported, '$1.js"'));
}
if (missing.length > 0) throw new Error(missing.join("\n"));

const declarations = writeDeclarations(out);
const descriptions = bundleDescriptions();
if (!descriptions) throw new Error("the models of @kubernetes/client-node are not installed, so the API would have no descriptions");
writeFileSync(join(out, "kube-apiserver", "openapi", bundleFileName), JSON.stringify(descriptions));
console.log(`dist/: ${sources.length} modules, declarations of ${declarations} of them, and the descriptions of ${Object.keys(descriptions).length} types`);
