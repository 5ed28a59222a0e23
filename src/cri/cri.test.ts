import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { containerdConfig, containerdPaths, registryHosts } from "./containerd/config.ts";
import { descriptors } from "./generated/cri-v1.ts";
import { codecs } from "../stdx/grpc.ts";
import { buildImage, imageArchive } from "./oci/image.ts";
import { pauseImage, pauseProgram } from "./oci/pause.ts";
import { tar } from "./oci/tar.ts";

test("messages come back as they went, with numbers for 64-bit integers and zeros for what was left out", () => {
  const codec = codecs(descriptors)("CreateContainerRequest");
  const message = codec.decode(codec.encode({ podSandboxId: "s", config: { metadata: { name: "c", attempt: 2 }, linux: { resources: { memoryLimitInBytes: 2 ** 40 } }, stopSignal: "SIGINT" } })) as { readonly podSandboxId: string; readonly config: { readonly metadata: object; readonly tty: boolean; readonly stopSignal: string; readonly linux: { readonly resources: { readonly memoryLimitInBytes: number } } } };
  assert.equal(message.podSandboxId, "s");
  assert.deepEqual(message.config.metadata, { name: "c", attempt: 2 });
  assert.equal(message.config.tty, false);
  assert.equal(message.config.stopSignal, "SIGINT");
  assert.equal(message.config.linux.resources.memoryLimitInBytes, 2 ** 40);
});

test("tar reads our archives, also long names and links", () => {
  const long = `${"d".repeat(90)}/${"f".repeat(90)}`;
  const archive = tar([{ type: "directory", name: "x/", mode: 0o755 }, { type: "file", name: long, mode: 0o600, data: Buffer.from("hi") }, { type: "symlink", name: "l", target: "x" }, { type: "hardlink", name: "h", target: long }]);
  const { stdout, status, stderr } = spawnSync("tar", ["-tvf", "-"], { input: archive, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^drwxr-xr-x 0\/0 +0 1970-01-01 .* x\/\n-rw------- 0\/0 +2 .*\nl.* l -> x\nh.* h link to /);
  assert.ok(stdout.includes(long));
});

test("the same image has the same digests", () => {
  const build = () => buildImage({ layers: [[{ type: "file", name: "a", mode: 0o644, data: Buffer.from("x") }]], config: { Cmd: ["a"] }, tags: ["x:1"], architecture: "amd64" });
  assert.equal(build().manifest.digest, build().manifest.digest);
  assert.deepEqual(imageArchive(build()), imageArchive(build()));
});

test("the pause program is an ELF file for both processors", () => {
  for (const architecture of ["amd64", "arm64"] as const) {
    const program = pauseProgram(architecture);
    assert.equal(program.subarray(0, 4).toString("latin1"), "\x7fELF");
    assert.equal(program.readUInt16LE(18), architecture === "amd64" ? 62 : 183);
    assert.ok(program.length < 400);
  }
  assert.equal(pauseImage("amd64").tags[0], "registry.k8s.io/pause:3.10.2");
});

test("containerd's configuration and its registries", () => {
  const paths = containerdPaths("/n");
  const text = containerdConfig({ paths, cniBinDir: "/opt/cni/bin", restrictOomScoreAdj: true, snapshotter: "overlayfs", logLevel: "warn" });
  assert.match(text, /sandbox_image = "registry\.k8s\.io\/pause:3\.10\.2"/);
  assert.match(text, /restrict_oom_score_adj = true/);
  assert.deepEqual(registryHosts("docker.io", ["http://m:5000"]), { folder: "docker.io", content: 'server = "http://m:5000"\n\n[host."http://m:5000"]\ncapabilities = ["pull", "resolve"]\n' });
  assert.equal(registryHosts("*", ["http://m"]).folder, "_default");
});
