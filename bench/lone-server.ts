import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { compileCacheFolder } from "../src/bin/compile-cache.ts";
import { HttpTransport } from "../src/client/http-transport.ts";
import { pkiSubjects } from "../src/cluster/pki/cluster-subjects.ts";
import { ensurePki } from "../src/cluster/pki/pki.ts";
import { startProcess, stopProcess } from "../src/cluster/processes.ts";
import { programOf, serverName } from "../src/cluster/program.ts";
import { pathsOf, writeSpec, type ClusterPaths, type ClusterSpec } from "../src/cluster/spec.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { cpuSeconds, entryOf } from "./cluster.ts";
import { untilReady } from "./ready.ts";

const startMsDefault = 60_000;

export interface LoneServerOptions {
  /** The checkout whose code runs, so that two of them can be compared; this one by default. */
  readonly root?: string;
  /** For Node: profiles, sizes of the heap. */
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Puts something into the store, whose file this is, before the server opens it. */
  readonly fill?: (storeFile: string) => Promise<void>;
  readonly startMsMax?: number;
}

/** `keelson server` as `keelson up` starts it, without any node: all that lists, gets, creates and watches need. Wants no root. */
export interface LoneServer extends AsyncDisposable {
  readonly spec: Pick<ClusterSpec, "apiPort">;
  readonly paths: ClusterPaths;
  readonly transport: HttpTransport;
  readonly pid: number;
  /** From the start of the process until /readyz said ok: wall time, and the processor time that it had used by then. */
  readonly readyMs: number;
  readonly readyCpuMs: number;
}

export async function loneServer({ root = join(import.meta.dirname, ".."), nodeFlags = [], env = {}, fill, startMsMax = startMsDefault }: LoneServerOptions = {}): Promise<LoneServer> {
  const home = mkdtempSync(join(tmpdir(), "kb-"));
  const paths = pathsOf(home, "bench");
  const spec: ClusterSpec = {
    name: "bench", index: 0, apiPort: await freePort(), bridge: "none", gateway: ownAddress(), nodeCidr: "10.222.0.0/24", podCidr: "10.128.0.0/16", serviceCidr: "10.96.0.0/16",
    clusterDns: "10.96.0.10", clusterDomain: "cluster.local", nodes: [], registryMirrors: {}, createdAt: new Date(systemClock.now()).toISOString(),
  };
  try {
    writeSpec(paths, spec);
    for (const folder of [paths.logs, paths.store]) mkdirSync(folder);
    await fill?.(join(paths.store, "state.db"));
    const pki = await ensurePki(paths.pki, pkiSubjects(spec, systemClock));
    const [node, ...args] = programOf({ node: process.execPath, entry: await entryOf(root) }).server(spec, paths);
    const began = performance.now();
    const record = startProcess({ runFolder: paths.run, name: serverName, argv: [node, ...nodeFlags, ...args], logFile: join(paths.logs, "server.log"), env: { ...process.env, NODE_COMPILE_CACHE: compileCacheFolder(process.env), ...env }, nowMs: systemClock.now() });
    const transport = new HttpTransport({
      clock: systemClock,
      connection: { server: `https://127.0.0.1:${spec.apiPort}`, certificateAuthority: pki.ca.certificatePem, clientCertificate: pki.admin.certificatePem, clientKey: pki.admin.privateKeyPem },
    });
    await untilReady(transport, AbortSignal.timeout(startMsMax)).catch((error: unknown) => {
      throw new Error(`the server did not become ready: ${readFileSync(join(paths.logs, "server.log"), "utf8").slice(-2000)}`, { cause: error });
    });
    const [readyMs, readyCpuMs] = [performance.now() - began, cpuSeconds(record.pid) * 1000];
    return {
      spec, paths, transport, pid: record.pid, readyMs, readyCpuMs,
      async [Symbol.asyncDispose]() {
        transport[Symbol.dispose]();
        await stopProcess(record, { graceMs: 10_000, clock: systemClock, signal: AbortSignal.timeout(startMsDefault) });
        rmSync(home, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

/** Clients are told of one address beside the loopback's, which no endpoint may have. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces()).flatMap((each) => each ?? []).find(({ family, internal }) => family === "IPv4" && !internal);
  if (!found) throw new Error("this machine has no address beside the loopback's");
  return found.address;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
