// `keelson demo` to its end, with the image that it makes itself where docker.io does not answer.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { pathsOf, readSpec } from "../../src/cluster/spec.ts";
import { freePort, launcher, runKeelson, testEnv, testFolder, until } from "../support/cluster.ts";
import { Guardian } from "../support/guardian.ts";
import { cacheFolder } from "../support/kubectl.ts";
import { leftovers } from "../support/leftovers.ts";

let folder: string;
let output: string;
let guardian: Guardian;
before(async () => {
  // The demo's cluster has a name of its own, which one run at a time can have on a machine.
  await until("no other demo runs on this machine", () => !existsSync("/run/netns/keelson-demo-1"), { msMax: 300_000 });
  folder = testFolder();
  guardian = new Guardian({ command: [launcher, "down", "demo"], folder, env: testEnv(folder) });
  // Packages that other tests have downloaded are used again.
  mkdirSync(join(cacheFolder, "images"), { recursive: true });
  mkdirSync(join(folder, "h"), { mode: 0o700 });
  symlinkSync(join(cacheFolder, "images"), join(folder, "h/images"));
  const { code, stdout, stderr } = await runKeelson(folder, ["demo", "--offline", "--api-port", String(await freePort())]);
  output = stripVTControlCharacters(stdout);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
});
after(async () => {
  const paths = pathsOf(join(folder, "h"), "demo");
  const spec = readSpec(paths);
  const { code, stderr } = await runKeelson(folder, ["down", "demo"]);
  guardian[Symbol.dispose]();
  if (spec) assert.deepEqual(await leftovers(spec, paths.root), []);
  rmSync(folder, { recursive: true, force: true });
  assert.equal(code, 0, stderr);
});

test("it shows the manifest that kubectl builds", () => {
  assert.match(output, /\$ kubectl run nginx --image=keelson\.local\/nginx:demo/);
  assert.match(output, /^ +kind: Pod$/m);
  assert.match(output, /^ +run: nginx$/m);
});

test("it tells each step from recorded ones, in order, each with its time", () => {
  const line = (what: RegExp): number => {
    const found = output.search(what);
    assert.ok(found >= 0, `${what} in\n${output}`);
    return found;
  };
  const places = [
    /^ +\+[\d.]+ m?s +kube-apiserver +.*authenticat/im, /^ +\+[\d.]+ m?s +kube-apiserver +.*authoriz/im, /^ +\+[\d.]+ m?s +kube-apiserver +.*admitted/im, /^ +\+[\d.]+ m?s +kube-apiserver +.*stor.*revision \d+/im,
    /^ +\+[\d.]+ m?s +kube-scheduler +/im, /^ +\+[\d.]+ m?s +kubelet +.*sandbox/im, /^ +\+[\d.]+ m?s +kubelet +.*start/im, /^The pod is Running at 10\.\d+\.\d+\.\d+\.$/m,
  ].map(line);
  assert.deepEqual(places, places.toSorted((a, b) => a - b));
});

test("it ends with get, logs and exec of the running pod, and with what to type next", () => {
  assert.match(output, /\$ kubectl get pods -o wide\n +NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\n +nginx +1\/1 +Running +0 +\d+s +10\.\d+\.\d+\.\d+ +demo-1 /);
  assert.match(output, /\$ kubectl logs nginx\n +\S/);
  assert.match(output, /\$ kubectl exec nginx -- .*\n +nginx\n[^$]*nameserver 10\.96\.0\.10[^$]*<!DOCTYPE html>/);
  assert.match(output, /keelson trace pod\/nginx --cluster demo\n +keelson down demo/);
});
