import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxImage, nginxImage, redisImage } from "../../src/cluster/images/images.ts";
import { pathsOf, readSpec, type ClusterPaths, type ClusterSpec } from "../../src/cluster/spec.ts";
import type { BuiltImage } from "../../src/cri/oci/image.ts";
import { Guardian } from "./guardian.ts";
import { cacheFolder, ensureKubectl } from "./kubectl.ts";
import { toolsImage } from "./images.ts";
import { leftovers } from "./leftovers.ts";
import { Running, runProgram, until, type Ended, type RunOptions } from "./programs.ts";
import { Registry } from "./registry.ts";

export type TestImage = "busybox" | "nginx" | "redis" | "tools";

const builders: Readonly<Record<TestImage, (request: { readonly cache: string; readonly tags: readonly string[] }) => Promise<BuiltImage>>> = { busybox: busyboxImage, nginx: nginxImage, redis: redisImage, tools: toolsImage };

export const launcher = join(import.meta.dirname, "../../keelson");

/** A folder that nobody else uses, short enough for the sockets below it. */
export const testFolder = (): string => mkdtempSync(join(tmpdir(), "kt-"));

/** A name that no other run on this machine has, since namespaces and cgroups carry it. */
export const uniqueName = (): string => `t${randomBytes(3).toString("hex")}`;

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject).listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

/** The environment of everything that a test starts: nothing of the user who runs it leaks in, and nothing of theirs is touched. */
export const testEnv = (folder: string): Readonly<Record<string, string | undefined>> => ({
  PATH: process.env["PATH"], HOME: folder, LANG: "C.UTF-8", KEELSON_HOME: join(folder, "h"), KUBECONFIG: join(folder, "kubeconfig"), KEELSON_OFFLINE: "1",
  ...(process.env["NODE_COMPILE_CACHE"] !== undefined && { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] }),
});

/** `./keelson …` as a user would type it. */
export const runKeelson = (folder: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  runProgram([launcher, ...args], { env: testEnv(folder), msMax: 300_000, ...options });

const failure = (what: string, { code, stdout, stderr }: Ended): Error => new Error(`${what} ended with ${code}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`);

/**
 * A whole cluster with a registry beside it, on which stock kubectl works, in a folder of its own. When it is let go of, it is taken down, and the
 * machine must be as it was before.
 */
export class TestCluster implements AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  readonly spec: ClusterSpec;
  readonly paths: ClusterPaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Stock kubectl. */
  readonly kubectlPath: string;
  readonly #registry: Registry;
  readonly #guardian: Guardian;

  private constructor(fields: { readonly folder: string; readonly spec: ClusterSpec; readonly kubectl: string; readonly registry: Registry; readonly guardian: Guardian }) {
    this.folder = fields.folder;
    this.spec = fields.spec;
    this.name = fields.spec.name;
    this.env = testEnv(fields.folder);
    this.paths = pathsOf(join(fields.folder, "h"), fields.spec.name);
    this.kubectlPath = fields.kubectl;
    this.#registry = fields.registry;
    this.#guardian = fields.guardian;
  }

  static async start(options: { readonly nodes?: number; readonly images?: readonly TestImage[]; readonly flags?: readonly string[] } = {}): Promise<TestCluster> {
    const { nodes = 1, images = ["busybox"], flags = [] } = options;
    const kubectl = await ensureKubectl();
    const folder = testFolder();
    const name = uniqueName();
    const [registryPort, apiPort] = [await freePort(), await freePort()];
    const paths = pathsOf(join(folder, "h"), name);
    const guardian = new Guardian({ command: [launcher, "down", name], folder, env: testEnv(folder) });
    const made = await runKeelson(folder, ["up", name, "--nodes", String(nodes), "--api-port", String(apiPort), "--offline", "--registry-mirror", `*=http://host:${registryPort}`, ...flags]);
    if (made.code !== 0) throw failure("keelson up", made);
    const spec = readSpec(paths);
    assert.ok(spec, "keelson up wrote no cluster.json");
    const registry = await Registry.start({ host: spec.gateway, port: registryPort, folder: join(folder, "registry") });
    guardian.alsoEnds(registry.pid);
    const cache = join(cacheFolder, "images");
    mkdirSync(cache, { recursive: true });
    for (const image of images) await registry.push(`library/${image}`, "latest", await builders[image]({ cache, tags: [`docker.io/library/${image}:latest`] }));
    return new TestCluster({ folder, spec, kubectl, registry, guardian });
  }

  /** Stores an image again under another tag or name. */
  async push(image: TestImage, repository: string, tag: string): Promise<void> {
    await this.#registry.push(repository, tag, await builders[image]({ cache: join(cacheFolder, "images"), tags: [`docker.io/${repository}:${tag}`] }));
  }

  /** kubectl's end, whatever it is. */
  try(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return runProgram([this.kubectlPath, ...args], { env: this.env, ...options });
  }

  /** What kubectl prints. @throws when it fails */
  async kubectl(...args: readonly string[]): Promise<string> {
    const ended = await this.try(args);
    if (ended.code !== 0) throw failure(`kubectl ${args.join(" ")}`, ended);
    return ended.stdout;
  }

  async apply(manifest: object | string, ...args: readonly string[]): Promise<string> {
    const ended = await this.try(["apply", "-f", "-", ...args], { input: typeof manifest === "string" ? manifest : JSON.stringify(manifest) });
    if (ended.code !== 0) throw failure("kubectl apply", ended);
    return ended.stdout;
  }

  /** An object as JSON; its type is the test's to know. */
  async get<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl("get", ...args, "-o", "json")) as T;
  }

  /** kubectl beside the test. */
  start(...args: readonly string[]): Running {
    return new Running([this.kubectlPath, ...args], { env: this.env });
  }

  /** kubectl on a terminal of its own. */
  terminal(...args: readonly string[]): Running {
    const quoted = [this.kubectlPath, ...args].map((each) => `'${each.replaceAll("'", "'\\''")}'`).join(" ");
    return new Running(["script", "-qec", quoted, "/dev/null"], { env: { ...this.env, TERM: "xterm", SHELL: "/bin/sh" } });
  }

  async keelson(...args: readonly string[]): Promise<string> {
    const ended = await runKeelson(this.folder, args);
    if (ended.code !== 0) throw failure(`keelson ${args.join(" ")}`, ended);
    return ended.stdout;
  }

  /** Keelson's end, whatever it is. */
  tryKeelson(...args: readonly string[]): Promise<Ended> {
    return runKeelson(this.folder, args);
  }

  async ready(pod: string, ...args: readonly string[]): Promise<void> {
    const ended = await this.try(["wait", `pod/${pod}`, "--for=condition=Ready", "--timeout=90s", ...args]);
    if (ended.code !== 0) throw failure(`waiting for pod ${pod}`, { ...ended, stdout: ended.stdout + (await this.try(["describe", "pod", pod, ...args])).stdout });
  }

  /** Deletes at once what a test made in the default namespace, for the next one to start from nothing. */
  async clear(...what: readonly string[]): Promise<void> {
    await this.kubectl("delete", ...(what.length > 0 ? what : ["pods"]), "--all", "--now", "--timeout=90s");
  }

  /** A process of the cluster (server, agent-NODE) as its pid file says. */
  pidOf(process: string): number {
    const { pid } = JSON.parse(readFileSync(join(this.paths.run, `${process}.pid`), "utf8")) as { readonly pid: number };
    return pid;
  }

  /** Folder of a node's state. */
  nodeFolder(index = 0): string {
    const node = this.spec.nodes[index];
    assert.ok(node);
    return this.paths.node(node.name);
  }

  /** Runs a program of this machine in a node's network namespace. */
  onNode(index: number, ...argv: readonly string[]): Promise<Ended> {
    return runProgram(["nsenter", `--net=/run/netns/${this.spec.nodes[index]?.namespace}`, ...argv], { env: this.env });
  }

  #disposed = false;

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    const kept = process.env["KEELSON_TEST_KEEP_LOGS"];
    if (kept !== undefined && existsSync(this.paths.logs)) {
      mkdirSync(join(kept, this.name), { recursive: true });
      for (const file of ["server", ...this.spec.nodes.map(({ name }) => `agent-${name}`)]) writeFileSync(join(kept, this.name, `${file}.log`), readFileSync(join(this.paths.logs, `${file}.log`)));
    }
    const root = this.paths.root;
    const down = await runKeelson(this.folder, ["down", this.name]);
    await this.#registry[Symbol.asyncDispose]();
    if (down.code !== 0) throw failure("keelson down", down);
    const kubeconfig = existsSync(join(this.folder, "kubeconfig")) ? readFileSync(join(this.folder, "kubeconfig"), "utf8") : "";
    const left = await leftovers(this.spec, root);
    if (left.length === 0) this.#guardian[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
    assert.deepEqual(left, [], "keelson down leaves nothing behind");
    assert.ok(!kubeconfig.includes(`keelson-${this.name}`), "the context is taken out of the kubeconfig");
  }
}

export { until };
