/** The TypeScript declarations that the package carries: the types of the API, and the client with everything that it is made of. */
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** Imports name files as they are in the source; beside JavaScript they have to name that. */
const imported = /((?:\bfrom|\bimport\s*\()\s*"\.{1,2}\/[^"]+)\.ts"/g;

/** Writes `x.d.ts` for each of the modules under `out`, which mirrors src/. Returns how many. */
export function writeDeclarations(out: string): number {
  const folder = mkdtempSync(join(tmpdir(), "keelson-declarations-"));
  try {
    const config = join(folder, "tsconfig.json");
    writeFileSync(config, JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: join(root, "src"), outDir: out, typeRoots: [join(root, "node_modules/@types")] },
      include: ["api/generated", "client"].map((each) => join(root, "src", each, "*.ts")), exclude: [join(root, "src/**/*.test.ts")],
    }));
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", config], { cwd: root, stdio: "inherit" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const files = globSync("**/*.d.ts", { cwd: out });
  for (const file of files) writeFileSync(join(out, file), readFileSync(join(out, file), "utf8").replaceAll(imported, '$1.js"'));
  return files.length;
}
