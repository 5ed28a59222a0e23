/** Writes src/api/generated from the reference data of Kubernetes 1.36. `node tools/generate.ts` writes; the test beside it compares. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readReference } from "./generate/reference.ts";
import { schemaModules } from "./generate/schemas.ts";
import { allResourcesModule, generatedHeader, typeModules } from "./generate/types.ts";

export const generatedFolder = join(import.meta.dirname, "..", "src", "api", "generated");

/** File name → text of everything that belongs into src/api/generated. */
export function generate(): ReadonlyMap<string, string> {
  const reference = readReference();
  return new Map([...typeModules(reference), ...schemaModules(reference, generatedHeader), ["all-resources.ts", allResourcesModule(reference)]]);
}

if (import.meta.main) {
  const files = generate();
  mkdirSync(generatedFolder, { recursive: true });
  for (const old of readdirSync(generatedFolder)) if (!files.has(old)) rmSync(join(generatedFolder, old));
  for (const [name, text] of files) writeFileSync(join(generatedFolder, name), text);
  console.log(`${files.size} files written to ${generatedFolder}`);
}
