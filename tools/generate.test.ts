import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { generate, generatedFolder } from "./generate.ts";
import { hasReference } from "./generate/reference.ts";

test("src/api/generated is what the generator writes", { skip: hasReference() ? false : "the reference data of Kubernetes (../shared/reference) is not here" }, () => {
  const files = generate();
  assert.deepEqual(readdirSync(generatedFolder).toSorted(), [...files.keys()].toSorted(), "run `npm run generate`");
  for (const [name, text] of files) assert.ok(readFileSync(join(generatedFolder, name), "utf8") === text, `${name} is not current: run \`npm run generate\``);
});
