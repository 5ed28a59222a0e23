import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { command } from "../../src/stdx/command.ts";
import { keelsonVersion } from "../../src/stdx/version.ts";
import { ensureKubectl } from "../support/kubectl.ts";

/** What is published, installed into an empty folder as a user does it: with whatever Node npm runs with, and without the scripts of packages. */
const root = join(import.meta.dirname, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "kp-")); // Short: the sockets' paths have a limit.
const app = join(folder, "app");
const name = `package-${process.pid}`;

const inApp = (...argv: readonly string[]): Promise<string> => command(["sh", "-c", 'cd "$1" && shift && export KEELSON_HOME="$1" && shift && "$@"', "sh", app, join(folder, "home"), ...argv]);

before(async () => {
  await command([process.execPath, "--disable-warning=ExperimentalWarning", join(root, "tools", "build.ts"), "--no-check"]);
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", private: true }));
  await command(["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", folder, root]);
  await inApp("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefer-offline", join(folder, `keelson-${keelsonVersion}.tgz`));
});

after(async () => {
  await inApp("npx", "keelson", "down", name).catch(() => {}); // A test has taken it down already, or it never came up.
  rmSync(folder, { recursive: true, force: true });
});

test("the package tells its version with its own Node", async () => {
  const told = await inApp("npx", "keelson", "version");
  assert.ok(told.startsWith(`keelson ${keelsonVersion}, Kubernetes v1.36.`), told);
  assert.match(told, /, Node v26\./);
});

test("the package's types and client can be imported", async () => {
  const program = 'import { pods } from "keelson/api/core-v1"; import { TypedClient } from "keelson/client/typed-client"; console.log(pods.plural, typeof TypedClient)';
  assert.equal((await inApp(process.execPath, "--input-type=module", "-e", program)).trim(), "pods function");
});

test("the package brings up a cluster whose API is described, and takes it down", async () => {
  const kubectl = await ensureKubectl();
  await inApp("npx", "keelson", "up", name, "--no-kubeconfig");
  writeFileSync(join(folder, "kubeconfig"), await inApp("npx", "keelson", "kubeconfig", name));
  const run = (...args: readonly string[]) => command([kubectl, "--kubeconfig", join(folder, "kubeconfig"), ...args]);
  assert.match(await run("get", "nodes"), / Ready /);
  assert.match(await run("explain", "pod.spec.containers.image"), /Container image name/);
  await inApp("npx", "keelson", "down", name);
  await assert.rejects(inApp("npx", "keelson", "kubeconfig", name), /there is no cluster/);
});
