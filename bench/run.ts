// `npm run bench`: one table of what Keelson does on this machine, each figure beside the raw line of comparison of the same run. As root, since pods are made.
// Names of sections as arguments (start, idle, pods, http, watch, memory, loaded, stretches, storage, wear, encryption, etcd, snapshot, scheduler) run only those.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../src/stdx/clock.ts";
import { benchCluster, cpuSeconds, inOwnProcess, measureStart, pssBytes, rssBytes, servingProcess, type BenchCluster } from "./cluster.ts";
import { benchEncryption } from "./encryption.ts";
import { benchEtcd } from "./etcd.ts";
import { benchHttp, createdKinds } from "./http.ts";
import type { LoadFigure, LoadInput } from "./load.ts";
import { loneServer } from "./lone-server.ts";
import { benchMemory } from "./memory.ts";
import { benchPods } from "./pods.ts";
import type { RawServerInput } from "./raw-server.ts";
import { benchScheduler } from "./scheduler.ts";
import { benchSnapshot } from "./snapshot.ts";
import { benchStorage } from "./storage.ts";
import { benchStretches } from "./stretches.ts";
import { benchWear } from "./wear.ts";
import { median, megabytes, ms, perSecond, tableText, type Row } from "./table.ts";
import { benchWatch } from "./watch.ts";

const ups = 3;
const starts = 5;
const settleMs = 12_000;
const idleMs = 20_000;
const signal = new AbortController().signal;

async function start(cluster: BenchCluster, upMs: readonly number[]): Promise<Row[]> {
  const figures = [];
  for (let i = 0; i < starts; i++) figures.push(await measureStart(cluster));
  const launcher = [];
  for (let i = 0; i < starts; i++) {
    const began = performance.now();
    execFileSync(join(import.meta.dirname, "..", "keelson"), ["version"]);
    launcher.push(performance.now() - began);
  }
  // A Node that only listens: what no server on it can undercut.
  const bare = [];
  for (let i = 0; i < starts; i++) {
    const began = performance.now();
    using _ = await servingProcess("raw-server.ts", { certificate: readFileSync(join(cluster.paths.pki, "apiserver.crt"), "utf8"), key: readFileSync(join(cluster.paths.pki, "apiserver.key"), "utf8"), clientCa: readFileSync(join(cluster.paths.pki, "ca.crt"), "utf8"), answers: {} } satisfies RawServerInput);
    bare.push(performance.now() - began);
  }
  const cpu = median(figures.map(({ cpuMs }) => cpuMs));
  const [readyz, node] = [median(figures.map(({ readyzMs }) => readyzMs)), median(figures.map(({ nodeReadyMs }) => nodeReadyMs))];
  return [
    { what: "`keelson version`, whole", measured: ms(median(launcher)), budget: "100 ms", met: median(launcher) <= 100 },
    { what: "process start to /readyz, empty store", measured: ms(readyz), raw: `bare HTTP/2 server listens: ${ms(median(bare))}; CPU used ${ms(cpu)}`, ratio: readyz / median(bare), budget: "400 ms", met: readyz <= 400 },
    { what: "process start to first node Ready", measured: ms(node), budget: "1,500 ms", met: node <= 1500 },
    { what: "`keelson up` of a new cluster, whole", measured: ms(median(upMs)), raw: `of ${upMs.length}: ${upMs.map((each) => each.toFixed(0)).join(", ")}` },
  ];
}

async function idle(cluster: BenchCluster): Promise<Row[]> {
  await systemClock.sleep(settleMs, { signal });
  const pids = (["server", "agent"] as const).map((name) => cluster.pid(name));
  const before = pids.map(cpuSeconds);
  const began = performance.now();
  await systemClock.sleep(idleMs, { signal });
  const wall = (performance.now() - began) / 1000;
  const shares = pids.map((pid, i) => ((cpuSeconds(pid) - (before[i] ?? 0)) / wall) * 100);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const [server = 0, agent = 0] = pids;
  const memory = pssBytes(server);
  return [
    { what: "memory of the server, idle (PSS)", measured: megabytes(memory), raw: `RSS ${megabytes(rssBytes(server))}`, budget: "1/4 of 515 MB", met: memory <= 515e6 / 4 },
    { what: "memory of the agent, idle (PSS)", measured: megabytes(pssBytes(agent)), raw: `RSS ${megabytes(rssBytes(agent))}` },
    { what: "idle CPU with one node, server + agent", measured: `${total.toFixed(2)} %`, raw: `server ${shares[0]?.toFixed(2)} %, agent ${shares[1]?.toFixed(2)} %`, budget: "1 % of a core", met: total <= 1 },
  ];
}

/** What upstream's control plane was loaded with when its memory was measured. */
async function loaded(): Promise<Row[]> {
  await using cluster = await benchCluster(`bench-${process.pid % 10_000}-load`);
  const { certificateAuthority: ca = "", clientCertificate: certificate = "", clientKey: key = "" } = cluster.transport.connection;
  const create = (path: string, requestsMax: number, object: object) => inOwnProcess<LoadFigure>("load.ts", {
    origin: `https://127.0.0.1:${cluster.spec.apiPort}`, ca, certificate, key, method: "POST", path, body: JSON.stringify(object), firstNumber: 0, inFlight: 32, connections: 1, durationMs: 120_000, requestsMax,
  } satisfies LoadInput);
  await create("/api/v1/nodes", 1000, { apiVersion: "v1", kind: "Node", metadata: { name: "node-%d" } });
  await create("/api/v1/namespaces/default/configmaps", 9000, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "bench-%d" }, data: { text: "x".repeat(1500) } });
  await systemClock.sleep(settleMs, { signal });
  const memory = pssBytes(cluster.pid("server"));
  return [{ what: "memory of the server, 10,000 objects with 1,000 nodes (PSS)", measured: megabytes(memory), raw: `RSS ${megabytes(rssBytes(cluster.pid("server")))}`, budget: "1/4 of 1,500 MB", met: memory <= 1500e6 / 4 }];
}

async function scheduler(): Promise<Row[]> {
  return (await benchScheduler()).map(({ name, nodes, pods, podsPerSecond }) => ({
    what: `scheduler alone: ${pods} pods, ${name}, ${nodes} nodes`, measured: perSecond(podsPerSecond), ...(name === "plain" && { budget: "3 × upstream's 309/s", met: podsPerSecond >= 3 * 309 }),
  }));
}

const wanted = new Set(process.argv.slice(2));
const wants = (section: string): boolean => wanted.size === 0 || wanted.has(section);
const rows: Row[] = [];
const section = async (name: string, run: () => Promise<Row[]>): Promise<void> => {
  if (!wants(name)) return;
  process.stderr.write(`bench: ${name}\n`);
  rows.push(...(await run()));
};

const wantRoot = ["start", "idle", "pods", "loaded", "wear"];
if (wantRoot.some(wants) && process.getuid?.() !== 0) throw new Error(`the bench makes pods and wants to be root; all but ${wantRoot.join(", ")} do without`);
if (["start", "idle", "pods"].some(wants)) {
  const name = `bench-${process.pid % 10_000}`;
  const upMs: number[] = [];
  for (let i = 1; i < ups && wants("start"); i++) {
    await using once = await benchCluster(name);
    upMs.push(once.upMs);
  }
  await using cluster = await benchCluster(name);
  upMs.push(cluster.upMs);
  // Idle before anything else, since what was once busy keeps memory; start last, since it throws away what is stored.
  await section("idle", () => idle(cluster));
  await section("pods", () => benchPods(cluster));
  await section("start", () => start(cluster, upMs));
}
for (const [name, run] of [["http", benchHttp], ["watch", benchWatch]] as const) {
  await section(name, async () => {
    await using server = await loneServer();
    return await run(server);
  });
}
await section("memory", () => benchMemory(createdKinds));
await section("loaded", loaded);
await section("stretches", () => benchStretches());
await section("storage", benchStorage);
await section("wear", benchWear);
await section("encryption", benchEncryption);
await section("etcd", benchEtcd);
await section("snapshot", benchSnapshot);
await section("scheduler", scheduler);
console.log(tableText(rows));
process.exit(); // Sessions that the client keeps open are of no more use.
