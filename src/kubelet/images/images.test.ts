import assert from "node:assert/strict";
import { test } from "node:test";
import type { Secret } from "../../api/generated/core-v1.ts";
import { CrashBackoff } from "../pod/crash-backoff.ts";
import { credentialsFor } from "./credentials.ts";
import { parseImageName, withDefaultTag } from "./image-name.ts";
import { KeyedBackoff } from "./keyed-backoff.ts";

const names: readonly [string, string][] = [
  ["busybox", "docker.io library/busybox latest"], ["nginx:1.25", "docker.io library/nginx 1.25"], ["a/b", "docker.io a/b latest"], ["localhost:5000/x/y:z", "localhost:5000 x/y z"], ["ghcr.io/a/b", "ghcr.io a/b latest"],
];
for (const [name, expected] of names) {
  test(`image name ${name}`, () => {
    const { registry, repository, tag } = parseImageName(name);
    assert.equal(`${registry} ${repository} ${tag}`, expected);
  });
}
test("a digest needs no tag", () => assert.equal(withDefaultTag(`a@sha256:${"0".repeat(64)}`), `a@sha256:${"0".repeat(64)}`));
for (const wrong of ["", "Busybox", "a b", "a:", "a@b", "/x"]) test(`not an image name: ${JSON.stringify(wrong)}`, () => assert.throws(() => parseImageName(wrong), /couldn't parse image name/));

const secret = (auths: object): Secret => ({ apiVersion: "v1", kind: "Secret", metadata: {}, type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") } });
const auth = Buffer.from("me:pw").toString("base64");
test("the closest credential comes first, and others do not come", () => {
  const found = credentialsFor("registry.example.com/team/app:1", [secret({ "registry.example.com": { auth }, "registry.example.com/team": { username: "you", password: "x" }, "other.example.com": { auth } })]);
  assert.deepEqual(found.map(({ username, password }) => `${username}:${password}`), ["you:x", "me:pw"]);
  assert.equal(credentialsFor("busybox", [secret({ "https://index.docker.io/v1/": { auth } })])[0]?.username, "me");
  assert.equal(credentialsFor("a.example.com/x", [secret({ "*.example.com": { auth } })]).length, 1);
  assert.equal(credentialsFor("a.b.example.com/x", [secret({ "*.example.com": { auth } })]).length, 0);
});

test("pulls wait 10 s, then twice as long, up to five minutes", () => {
  const backoff = new KeyedBackoff({ delayMs: 10_000, delayMsMax: 300_000 });
  const waits: number[] = [];
  for (let nowMs = 0, tries = 0; tries < 7; tries++) {
    backoff.failed("a", nowMs);
    waits.push(backoff.remainingMs("a", nowMs) / 1000);
    nowMs += backoff.remainingMs("a", nowMs);
  }
  assert.deepEqual(waits, [10, 20, 40, 80, 160, 300, 300]);
});

test("a container that crashes is restarted at once, then after 10 s, 20 s, …, and anew after it ran long", () => {
  const backoff = new CrashBackoff();
  const waits: number[] = [];
  let nowMs = 0;
  for (let crashes = 0; crashes < 5; crashes++) {
    const waitMs = backoff.remainingMs("a", nowMs, nowMs);
    waits.push(waitMs / 1000);
    const endedMs = nowMs;
    nowMs += waitMs;
    backoff.restarted("a", endedMs, nowMs);
  }
  assert.deepEqual(waits, [0, 10, 20, 40, 80]);
  assert.equal(backoff.remainingMs("a", nowMs + 601_000, nowMs + 601_000), 0);
});
