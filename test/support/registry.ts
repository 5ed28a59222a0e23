import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Blob, BuiltImage } from "../../src/cri/oci/image.ts";

/** Debian's docker-registry, answering on one address of this machine for as long as a test needs it. */
export class Registry implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(options: { readonly host: string; readonly port: number; readonly folder: string }): Promise<Registry> {
    const { host, port, folder } = options;
    mkdirSync(join(folder, "data"), { recursive: true });
    const config = join(folder, "config.yml");
    writeFileSync(config, `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${join(folder, "data")}}}\nhttp: {addr: "${host}:${port}"}\n`);
    const child = spawn("docker-registry", ["serve", config], { stdio: "ignore", env: { PATH: process.env["PATH"] ?? "", OTEL_TRACES_EXPORTER: "none" } });
    const registry = new Registry(`http://${host}:${port}`, child, folder);
    for (let attempt = 0; ; attempt++) {
      try {
        await fetch(`${registry.url}/v2/`);
        return registry;
      } catch (error) {
        if (attempt === 200 || child.exitCode !== null) throw new Error("docker-registry does not start; is Debian's package docker-registry installed?", { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Stores an image under a repository and tag ("library/busybox", "latest"), whatever its own names say. */
  async push(repository: string, tag: string, image: BuiltImage): Promise<void> {
    for (const blob of [...image.layers, image.config]) await this.#pushBlob(repository, blob);
    const response = await fetch(`${this.url}/v2/${repository}/manifests/${tag}`, { method: "PUT", headers: { "content-type": image.manifest.mediaType }, body: new Uint8Array(image.manifest.data) });
    if (!response.ok) throw new Error(`registry answers ${response.status} to the manifest of ${repository}:${tag}: ${await response.text()}`);
  }

  async #pushBlob(repository: string, blob: Blob): Promise<void> {
    if ((await fetch(`${this.url}/v2/${repository}/blobs/${blob.digest}`, { method: "HEAD" })).ok) return;
    const started = await fetch(`${this.url}/v2/${repository}/blobs/uploads/`, { method: "POST" });
    const location = new URL(started.headers.get("location") ?? "", this.url);
    location.searchParams.set("digest", blob.digest);
    const stored = await fetch(location, { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: new Uint8Array(blob.data) });
    if (!stored.ok) throw new Error(`registry answers ${stored.status} to a blob of ${repository}: ${await stored.text()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode === null && this.#child.kill("SIGTERM")) await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
