import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEndpoints, type EtcdLocation } from "../../src/storage/etcd/endpoints.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { openEtcdStore, type EtcdStore, type EtcdStoreOptions } from "../../src/storage/etcd/etcd-store.ts";

const program = "/usr/bin/etcd";
/** For the `skip` of a test. */
export const skip = existsSync(program) ? false : "etcd is not installed (Debian's etcd-server): node test/support/setup.ts installs it";

interface Member { readonly name: string; readonly client: string; readonly args: readonly string[] }

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  }));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Real etcd on loopback, in a folder of its own: `await using etcd = await EtcdCluster.start(3)`. */
export class EtcdCluster implements AsyncDisposable {
  readonly #folder: string;
  readonly #members: readonly Member[];
  readonly #running = new Map<string, ChildProcess>();

  private constructor(folder: string, members: readonly Member[]) {
    this.#folder = folder;
    this.#members = members;
  }

  /** With `tls` (paths of files in PEM) clients need a certificate of that authority. */
  static async start(size: 1 | 3 = 1, tls?: { readonly ca: string; readonly certificate: string; readonly key: string }): Promise<EtcdCluster> {
    const folder = mkdtempSync(join(tmpdir(), "keelson-etcd-"));
    const ports = await freePorts(2 * size);
    const names = Array.from({ length: size }, (_, index) => `m${index}`);
    const peers = names.map((name, index) => [name, `http://127.0.0.1:${ports[2 * index + 1]}`] as const);
    const cluster = new EtcdCluster(folder, names.map((name, index) => {
      const client = `${tls ? "https" : "http"}://127.0.0.1:${ports[2 * index]}`;
      const peer = peers[index]?.[1] ?? "";
      return { name, client, args: [
        "--name", name, "--data-dir", join(folder, name), "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
        "--initial-advertise-peer-urls", peer, "--initial-cluster", peers.map((each) => each.join("=")).join(","), "--initial-cluster-state", "new",
        "--max-request-bytes", String(8 * 1024 * 1024), "--logger", "zap", "--heartbeat-interval", "100", "--election-timeout", "1000",
        ...(tls ? ["--client-cert-auth", "--trusted-ca-file", tls.ca, "--cert-file", tls.certificate, "--key-file", tls.key] : []),
      ] };
    }));
    for (const member of cluster.#members) cluster.startMember(member.name);
    return cluster;
  }

  get names(): readonly string[] {
    return this.#members.map(({ name }) => name);
  }

  get urls(): string {
    return this.#members.map(({ client }) => client).join(",");
  }

  /** The endpoints, beginning with the member of this name. */
  location(first?: string): EtcdLocation {
    const order = this.#members.toSorted((a, b) => Number(b.name === first) - Number(a.name === first));
    return { endpoints: parseEndpoints(order.map(({ client }) => client).join(",")) };
  }

  open(options: Partial<EtcdStoreOptions> = {}): Promise<EtcdStore> {
    return openEtcdStore({ ...this.location(), clock: systemClock, log: silentLog, compactEveryMs: 0, ...options });
  }

  startMember(name: string): void {
    const member = this.#members.find((each) => each.name === name);
    if (!member) throw new Error(`no member ${name}`);
    const log = openSync(join(this.#folder, `${name}.log`), "a");
    this.#running.set(name, spawn(program, member.args, { stdio: ["ignore", log, log] }));
  }

  async kill(name: string): Promise<void> {
    const child = this.#running.get(name);
    this.#running.delete(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Stopped, it keeps its connections and says nothing. */
  pause(name: string): void {
    this.#running.get(name)?.kill("SIGSTOP");
  }

  resume(name: string): void {
    this.#running.get(name)?.kill("SIGCONT");
  }

  /** Asked over etcd's HTTP gateway. */
  async leader(): Promise<string> {
    for (const { name, client } of this.#members) {
      if (!this.#running.has(name)) continue;
      const response = await fetch(`${client}/v3/maintenance/status`, { method: "POST", body: "{}" });
      const { leader, header } = (await response.json()) as { readonly leader?: string; readonly header: { readonly member_id: string } };
      if (leader !== undefined && leader === header.member_id) return name;
    }
    throw new Error("no member leads");
  }

  /** What a member wrote about itself. */
  log(name: string): string {
    return readFileSync(join(this.#folder, `${name}.log`), "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.kill(name)));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
