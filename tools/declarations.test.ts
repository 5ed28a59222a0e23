import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeDeclarations } from "./declarations.ts";

const root = join(import.meta.dirname, "..");

const good = `import type { Pod } from "keelson/api/core-v1";
import { deployments, type Deployment } from "keelson/api/apps-v1";
import { isNotFound } from "keelson/apimachinery/status-error";
import { HttpTransport } from "keelson/client/http-transport";
import { TypedClient } from "keelson/client/typed-client";
import { systemClock } from "keelson/stdx/clock";

export const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { containers: [{ name: "c", image: "nginx" }] } };
export async function replicasOf(server: string, name: string): Promise<number | undefined> {
  using transport = new HttpTransport({ connection: { server }, clock: systemClock });
  try {
    const found: Deployment = await new TypedClient(transport).get(deployments, { name, namespace: "default" });
    return found.spec?.replicas;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
`;
const bad = `import type { Pod } from "keelson/api/core-v1";
export const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { containers: [{ name: "c", image: 7 }] } };
`;

test("users of the package have the types of the API and of the client", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-consumer-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const installed = join(folder, "node_modules/keelson");
  mkdirSync(installed, { recursive: true });
  copyFileSync(join(root, "package.json"), join(installed, "package.json"));
  assert.ok(writeDeclarations(join(installed, "dist")) > 70);
  symlinkSync(join(root, "node_modules/@types"), join(folder, "node_modules/@types"));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({
    compilerOptions: { target: "esnext", module: "nodenext", lib: ["esnext"], types: ["node"], strict: true, exactOptionalPropertyTypes: true, noEmit: true }, include: ["*.ts"],
  }));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const compile = (text: string) => {
    writeFileSync(join(folder, "consumer.ts"), text);
    return spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
  };
  const first = compile(good);
  assert.equal(first.status, 0, first.stdout);
  assert.match(compile(bad).stdout, /consumer\.ts\(2,\d+\): error TS2322: Type 'number' is not assignable to type 'string'/);
});
