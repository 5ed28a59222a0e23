import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { HttpTransport } from "../../src/client/http-transport.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { pathsOf, type ClusterSpec } from "../../src/cluster/spec.ts";
import { ensurePki, type Pki } from "../../src/cluster/pki/pki.ts";
import { pkiSubjects } from "../../src/cluster/pki/cluster-subjects.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { freePort } from "../support/cluster.ts";
import { skip as noEtcd } from "./etcd-cluster.ts";

const program = join(import.meta.dirname, "../../src/bin/keelson.ts");

/** An address of this machine that may stand in Endpoints; what is sent to it stays on the machine. */
const own = Object.values(networkInterfaces()).flat().find((each) => each?.family === "IPv4" && !each.internal)?.address;

/** For the `skip` of a test. */
export const skip = noEtcd === false && own === undefined ? "this machine has no address but loopback" : noEtcd;

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly client: TypedClient;
  readonly port: number;
  /** What it has logged so far, the end of it. */
  said(): string;
}

const specOf = (apiPort: number): ClusterSpec => ({
  name: "shared", index: 0, apiPort, bridge: "none", gateway: own ?? "", nodeCidr: "192.0.2.0/24", podCidr: "10.244.0.0/16", serviceCidr: "10.96.0.0/16", clusterDns: "10.96.0.10",
  clusterDomain: "cluster.local", nodes: [], registryMirrors: {}, createdAt: "2026-01-01T00:00:00Z",
});

/** Several `keelson server` of one cluster, each a process with a folder of its own, which share an etcd and their certificate authorities. */
export class ServerProcesses implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "keelson-etcd-servers-"));
  readonly #stack = new AsyncDisposableStack();
  readonly #etcd: string;
  #count = 0;
  pki: Pki | undefined;

  constructor(etcd: string) {
    this.#etcd = etcd;
    this.#stack.defer(() => rmSync(this.#folder, { recursive: true, force: true }));
  }

  /** Where the certificates of all of them come from. */
  get pkiFolder(): string {
    return pathsOf(join(this.#folder, "0"), "shared").pki;
  }

  /** Before the first server, for a program that shares its certificates. */
  async makePki(): Promise<Pki> {
    const folder = this.pkiFolder;
    mkdirSync(folder, { recursive: true });
    return this.pki ??= await ensurePki(folder, pkiSubjects(specOf(await freePort()), systemClock));
  }

  async start(...flags: readonly string[]): Promise<ServerProcess> {
    const port = await freePort();
    const home = join(this.#folder, String(this.#count++));
    const paths = pathsOf(home, "shared");
    mkdirSync(paths.root, { recursive: true });
    const spec = specOf(port);
    writeFileSync(paths.spec, JSON.stringify(spec));
    if (this.pki && paths.pki !== this.pkiFolder) cpSync(this.pkiFolder, paths.pki, { recursive: true });
    const pki = await ensurePki(paths.pki, pkiSubjects(spec, systemClock));
    this.pki ??= pki;
    const log = join(home, "server.log");
    const out = openSync(log, "a");
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, "server", "--state", paths.root, "--store", `etcd=${this.#etcd}`, ...flags], { stdio: ["ignore", out, out] });
    this.#stack.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    });
    return { child, port, client: this.client(`https://127.0.0.1:${port}`), said: () => (existsSync(log) ? readFileSync(log, "utf8").slice(-4000) : "") };
  }

  /** The administrator, at this address. */
  client(server: string): TypedClient {
    if (!this.pki) throw new Error("no server was started");
    const { ca, admin } = this.pki;
    return new TypedClient(this.#stack.use(new HttpTransport({ clock: systemClock, connection: {
      server, certificateAuthority: ca.certificatePem, clientCertificate: admin.certificatePem, clientKey: admin.privateKeyPem,
    } })));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Asks until there is an answer, and says how long that took. Errors count as none. */
export async function timed<T>(what: string, ask: () => Promise<T | undefined>, { note, said, msMax = 40_000 }: { readonly note: (text: string) => void; readonly said: () => string; readonly msMax?: number }): Promise<T> {
  const began = performance.now();
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) {
      note(`${what}: ${Math.round(performance.now() - began)} ms`);
      return answer;
    }
    if (performance.now() - began > msMax) throw new Error(`${what}: not within ${msMax} ms\n${said()}`);
    await systemClock.sleep(20, { signal: AbortSignal.timeout(1_000) });
  }
}
