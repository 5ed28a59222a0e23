import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEndpoints, type EtcdLocation } from "../../src/storage/etcd/endpoints.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { Guardian } from "../support/guardian.ts";
import { MemberNetwork } from "./member-network.ts";
import { openEtcdStore, type EtcdStore, type EtcdStoreOptions } from "../../src/storage/etcd/etcd-store.ts";

export const program = "/usr/bin/etcd";
/** For the `skip` of a test. */
export const skip = existsSync(program) ? false : "etcd is not installed (Debian's etcd-server): node test/support/setup.ts installs it";

interface Member { readonly name: string; readonly client: string; readonly argv: readonly string[] }

/** Paths of files in PEM; clients need a certificate of that authority. */
interface Tls { readonly ca: string; readonly certificate: string; readonly key: string }

export interface EtcdClusterOptions {
  readonly tls?: Tls;
  /** Each member gets a network namespace of its own, and can be cut off. */
  readonly networked?: boolean;
  /** Another etcd than Debian's. */
  readonly program?: string;
}

const leaderAttemptsMax = 100;
const statusMsMax = 500;

interface Status { readonly leader?: string; readonly header: { readonly member_id: string } }

/** Undefined of a member that does not answer. */
async function statusOf(client: string): Promise<Status | undefined> {
  try {
    const response = await fetch(`${client}/v3/maintenance/status`, { method: "POST", body: "{}", signal: AbortSignal.timeout(statusMsMax) });
    return (await response.json()) as Status;
  } catch {
    return undefined;
  }
}

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

/** Real etcd on loopback (or in namespaces), in a folder of its own: `await using etcd = await EtcdCluster.start(3)`. It does not outlive this process. */
export class EtcdCluster implements AsyncDisposable {
  readonly #folder: string;
  readonly #members: readonly Member[];
  readonly #running = new Map<string, ChildProcess>();
  readonly #guardian: Guardian;
  readonly #network: MemberNetwork | undefined;

  private constructor(folder: string, members: readonly Member[], network: MemberNetwork | undefined) {
    this.#folder = folder;
    this.#members = members;
    this.#network = network;
    this.#guardian = new Guardian({ folder, env: process.env, command: ["sh", "-c", network ? `sleep 0.5; ${network.removal}` : "true"] });
  }

  static async start(size: 1 | 3 = 1, { tls, networked = false, program: file = program }: EtcdClusterOptions = {}): Promise<EtcdCluster> {
    const names = Array.from({ length: size }, (_, index) => `m${index}`);
    const network = networked ? await MemberNetwork.make(names) : undefined;
    const folder = mkdtempSync(join(tmpdir(), "keelson-etcd-"));
    const ports = network ? [] : await freePorts(2 * size);
    const places = names.map((name, index) => ({
      name, host: network?.addressOf(name) ?? "127.0.0.1", clientPort: ports[2 * index] ?? 2379, peerPort: ports[2 * index + 1] ?? 2380,
    }));
    const initial = places.map(({ name, host, peerPort }) => `${name}=http://${host}:${peerPort}`).join(",");
    const cluster = new EtcdCluster(folder, places.map(({ name, host, clientPort, peerPort }) => {
      const client = `${tls ? "https" : "http"}://${host}:${clientPort}`;
      const peer = `http://${host}:${peerPort}`;
      return { name, client, argv: [
        ...(network?.enter(name) ?? []), file,
        "--name", name, "--data-dir", join(folder, name), "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
        "--initial-advertise-peer-urls", peer, "--initial-cluster", initial, "--initial-cluster-state", "new",
        "--max-request-bytes", String(8 * 1024 * 1024), "--logger", "zap", "--heartbeat-interval", "100", "--election-timeout", "1000",
        ...(tls ? ["--client-cert-auth", "--trusted-ca-file", tls.ca, "--cert-file", tls.certificate, "--key-file", tls.key] : []),
      ] };
    }), network);
    for (const member of cluster.#members) cluster.startMember(member.name);
    return cluster;
  }

  /** Its cables, where it was started with namespaces. */
  get network(): MemberNetwork {
    if (!this.#network) throw new Error("the members share the machine's network");
    return this.#network;
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
    const [file = "", ...args] = member.argv;
    const child = spawn(file, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#guardian.alsoEnds(child.pid);
    this.#running.set(name, child);
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

  /** Asked over etcd's HTTP gateway, of those that answer. Waits while one is elected. */
  async leader(): Promise<string> {
    for (let attempt = 0; attempt < leaderAttemptsMax; attempt++) {
      for (const { name, client } of this.#members) {
        if (!this.#running.has(name)) continue;
        const status = await statusOf(client);
        if (status && status.leader === status.header.member_id) return name;
      }
      await systemClock.sleep(100, { signal: AbortSignal.timeout(1_000) });
    }
    throw new Error("no member leads");
  }

  /** What a member wrote about itself. */
  log(name: string): string {
    return readFileSync(join(this.#folder, `${name}.log`), "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.kill(name)));
    await this.#network?.[Symbol.asyncDispose]();
    this.#guardian[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
