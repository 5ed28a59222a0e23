import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodes } from "../src/api/generated/core-v1.ts";
import { bundleOf } from "../src/bin/bundle/present.ts";
import { compileCacheFolder } from "../src/bin/compile-cache.ts";
import { HttpTransport } from "../src/client/http-transport.ts";
import { TypedClient } from "../src/client/typed-client.ts";
import { adminTransport } from "../src/cluster/commands/trace.ts";
import { isAlive, readProcess, startProcess, stopProcess } from "../src/cluster/processes.ts";
import { agentName, programOf, serverName } from "../src/cluster/program.ts";
import { namespacePath } from "../src/cluster/network/plan.ts";
import { pathsOf, readSpec, type ClusterPaths, type ClusterSpec } from "../src/cluster/spec.ts";
import { command } from "../src/stdx/command.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { untilReady } from "./ready.ts";

const launcher = join(import.meta.dirname, "..", "keelson");
/** The file that `keelson up` of a checkout starts server and agents with. */
export const entryOf = async (root: string): Promise<string> => (await bundleOf(root)) ?? join(root, "src", "bin", "keelson.ts");
const clockTicksPerSecond = 100;
const startMsMax = 60_000;

/** A cluster of the bench's own, with a home of its own, so that nothing else on the machine is touched. */
export interface BenchCluster extends AsyncDisposable {
  readonly spec: ClusterSpec;
  readonly paths: ClusterPaths;
  readonly transport: HttpTransport;
  /** Wall time of the whole `keelson up`, until its node was Ready, in milliseconds. */
  readonly upMs: number;
  pid(name: "server" | "agent"): number;
}

export async function benchCluster(name: string, { nodes: nodeCount = 1 }: { readonly nodes?: number } = {}): Promise<BenchCluster> {
  const home = mkdtempSync(join(tmpdir(), "kb-")); // Short: the sockets' paths have a limit.
  const env = { ...process.env, KEELSON_HOME: home };
  const run = (...args: readonly string[]) => command(["env", `KEELSON_HOME=${home}`, launcher, ...args]);
  const remove = async () => {
    await run("down", name).catch(() => {}); // It may never have come up.
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const began = performance.now();
    await run("up", name, "--nodes", String(nodeCount), "--no-kubeconfig", "--api-port", String(20_000 + Math.floor(Math.random() * 20_000)));
    const upMs = performance.now() - began;
    const paths = pathsOf(home, name);
    const spec = readSpec(paths);
    if (!spec) throw new Error(`no cluster in ${paths.root}`);
    const transport = await adminTransport(paths, systemClock);
    return {
      spec, paths, transport, upMs,
      pid: (which) => {
        const record = readProcess(paths.run, which === "server" ? serverName : agentName(spec.nodes[0]?.name ?? ""));
        if (!isAlive(record)) throw new Error(`the ${which} of ${env.KEELSON_HOME} does not run`);
        return record.pid;
      },
      async [Symbol.asyncDispose]() {
        transport[Symbol.dispose]();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

export interface StartFigure {
  readonly readyzMs: number;
  /** Processor time that the server had used by then, which other load on the machine hardly moves. */
  readonly cpuMs: number;
  readonly nodeReadyMs: number;
}

/**
 * Ends the server and the agent of a cluster, removes what the server had stored, and starts both at once, as `keelson up` does: until /readyz says
 * ok and until the node is there and Ready. With `keepStore` the server finds what it had.
 */
export async function measureStart({ spec, paths }: BenchCluster, { keepStore = false } = {}): Promise<StartFigure> {
  const signal = AbortSignal.timeout(startMsMax);
  const [node] = spec.nodes;
  if (!node) throw new Error("the cluster has no node");
  for (const name of [agentName(node.name), serverName]) {
    const record = readProcess(paths.run, name);
    if (isAlive(record)) await stopProcess(record, { graceMs: 5000, clock: systemClock, signal });
  }
  if (!keepStore) rmSync(paths.store, { recursive: true, force: true });
  await command(["mkdir", "-p", paths.store]);
  const program = programOf({ node: process.execPath, entry: await entryOf(join(import.meta.dirname, "..")) });
  const began = performance.now();
  const started = systemClock.now();
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCacheFolder(process.env) }; // As the launcher says it.
  const start = (name: string, argv: readonly [string, ...string[]]) => startProcess({ runFolder: paths.run, name, argv, logFile: join(paths.logs, `${name}.log`), env, nowMs: systemClock.now() });
  const { pid } = start(serverName, program.server(spec, paths));
  start(agentName(node.name), ["nsenter", `--net=${namespacePath(node)}`, ...program.agent(spec, paths, node)]);

  using transport = await adminTransport(paths, systemClock);
  await untilReady(transport, signal);
  const readyzMs = performance.now() - began;
  const cpuMs = cpuSeconds(pid) * 1000;
  const client = new TypedClient(transport);
  for (;;) {
    const { items } = await client.list(nodes, { signal });
    // What a kept store says of before the restart does not count.
    if (items.some(({ status }) => status?.conditions?.some(({ type, status: state, lastHeartbeatTime }) => type === "Ready" && state === "True" && Date.parse(lastHeartbeatTime ?? "") >= started - 1000))) break;
    await systemClock.sleep(5, { signal });
  }
  return { readyzMs, cpuMs, nodeReadyMs: performance.now() - began };
}

/** Proportional set size: resident memory, with what several processes share divided among them. */
export const pssBytes = (pid: number): number => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
export const rssBytes = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;

/** Processor time that a process has used, in seconds. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

/** Runs one of the bench's own programs in a process of its own, hands it `input`, and returns the JSON that it prints. */
export async function inOwnProcess<T>(program: string, input: unknown): Promise<T> {
  return JSON.parse(await command([process.execPath, "--disable-warning=ExperimentalWarning", join(import.meta.dirname, program)], { input: JSON.stringify(input) })) as T;
}

/** A program of the bench that serves until it is disposed; resolves with the first line that it prints. */
export async function servingProcess(program: string, input: unknown): Promise<{ readonly line: string } & Disposable> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, program)], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(input));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once("exit", (code) => reject(new Error(`${program} ended with exit code ${code}`)));
  });
  return { line, [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

