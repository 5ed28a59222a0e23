import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodes } from "../../api/generated/core-v1.ts";
import { ConnectionError } from "../../client/connection-error.ts";
import { HttpTransport } from "../../client/http-transport.ts";
import { TypedClient } from "../../client/typed-client.ts";
import { cidrsOverlap, parseCidr } from "../../stdx/ip.ts";
import type { Clock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { adminAccess, writeCredentials } from "../credentials.ts";
import { ensureEncryptionFile } from "../encryption/own-file.ts";
import type { ClusterAccess } from "../kubeconfig/kubeconfig.ts";
import { judgeEtcd, keptEtcd } from "../etcd-state.ts";
import { addToUserKubeconfig, userKubeconfigPath } from "../kubeconfig/user-kubeconfig.ts";
import { allowForwarding, claimBridge, ensureNetwork, removeNetwork, setHostRoutes, takenCidrs } from "../network/network.ts";
import { namespacePath } from "../network/plan.ts";
import { pkiSubjects } from "../pki/cluster-subjects.ts";
import { ensurePki, type Pki } from "../pki/pki.ts";
import { ensureHome, freePortOf, inspectMachine, judge, type Problem } from "../preflight.ts";
import { isAlive, readProcess, startProcess, stopProcess } from "../processes.ts";
import type { Progress } from "../progress.ts";
import { agentName, serverName, type Program } from "../program.ts";
import { isClusterName, listSpecs, nodesMax, pathsOf, planNodes, planSpec, readSpec, writeSpec, type ClusterPaths, type ClusterSpec, type EtcdSpec } from "../spec.ts";
import { cgroupOf, hasProcesses, tearDown } from "./down.ts";

export interface UpOptions {
  readonly home: string;
  readonly name: string;
  /** How many nodes the cluster has; an existing cluster keeps what it has when this is absent, and can grow. */
  readonly nodeCount?: number;
  readonly apiPort?: number;
  readonly registryMirrors: ClusterSpec["registryMirrors"];
  /** Cluster DNS asks nobody outside of the cluster; an existing cluster keeps what it was made with. */
  readonly offline: boolean;
  /** A new cluster takes a node for unreachable after this much silence; upstream's time when left out. */
  readonly nodeMonitorGraceMs?: number;
  /** Where a new cluster keeps its state; a file of its own when absent. An existing cluster keeps its place. */
  readonly etcd?: EtcdSpec;
  /** A new cluster goes on with the state that it finds in etcd. */
  readonly adopt?: boolean;
  /** A new cluster that begins with another one's state: it has nodes of the same names, and its store is filled before its server starts. */
  readonly origin?: { readonly nodeNames: readonly string[]; /** The other one's EncryptionConfiguration, without which its Secrets cannot be read. */ readonly encryption: string; readonly fill: (spec: ClusterSpec, paths: ClusterPaths, pki: Pki) => Promise<void>; /** While its nodes start. */ readonly carry: (spec: ClusterSpec, paths: ClusterPaths) => Promise<void> };
  /** Leaves the user's kubeconfig alone. */
  readonly noKubeconfig: boolean;
  readonly program: Program;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** The machine cannot carry a cluster as it is. Nothing was changed. */
export class PreflightError extends Error {
  override readonly name = "PreflightError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ what, remedy }) => `${what}\n    → ${remedy}`).join("\n"));
    this.problems = problems;
  }
}

export interface RunningCluster {
  readonly spec: ClusterSpec;
  readonly access: ClusterAccess;
}

const serverReadyMsMax = 30_000;
const nodesReadyMsMax = 90_000;
const retryMs = 10;

/** Makes a cluster, or starts again whatever of an existing one does not run, and returns when its nodes are Ready. */
export async function bringUp(options: UpOptions): Promise<RunningCluster> {
  const { home, name, progress, clock, signal } = options;
  if (!isClusterName(name)) throw new PreflightError([{ what: `${JSON.stringify(name)} cannot be the name of a cluster`, remedy: "use lower-case letters, digits and '-', 32 at most" }]);
  const paths = pathsOf(home, name);
  const existing = readSpec(paths);

  const spec = await progress.step("Checking this machine", async (note) => {
    const wantedPort = existing?.apiPort ?? options.apiPort;
    const apiPort = wantedPort ?? 0; // Any: one that is free is chosen with the index.
    const problems = judge(await inspectMachine({ home, apiPort, path: options.env["PATH"] ?? "" }), { home, apiPort, newCluster: existing === undefined });
    if (problems.length > 0) throw new PreflightError(problems);
    const planned = existing ? grown(existing, options) : await planNew(options);
    try {
      await checkEtcd(planned, existing, paths, options);
    } catch (error) {
      if (!existing) await removeNetwork(planned); // Its bridge was claimed with the plan.
      throw error;
    }
    note(existing ? `cluster ${name} exists, with ${planned.nodes.length} node${planned.nodes.length === 1 ? "" : "s"}` : "all that is needed is here");
    return planned;
  });

  try {
    ensureHome(home);
    writeSpec(paths, spec);
    for (const folder of [paths.pki, paths.store, paths.logs, paths.run, paths.steps]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const encrypted = await ensureEncryptionFile(paths, spec, { from: options.origin?.encryption });
    writeSpec(paths, encrypted);
    return await start(encrypted, paths, options);
  } catch (error) {
    // A cluster that never ran is of no use to anybody; one that did keeps its state for the next try.
    if (!existing) {
      // Without its cluster.json nobody else knows that the bridge is ours.
      if (!existsSync(paths.spec)) await removeNetwork(spec);
      const kept = logTails(paths, spec);
      // What lay in etcd before is not this cluster's to delete.
      await tearDown({ home, name, progress, clock, deleteState: options.adopt !== true, signal: AbortSignal.timeout(60_000) });
      if (kept !== "") progress.line(kept);
    }
    throw error;
  } finally {
    signal.throwIfAborted();
  }
}

/** @throws {PreflightError} */
async function checkEtcd({ etcd }: ClusterSpec, existing: ClusterSpec | undefined, paths: ClusterPaths, { name, adopt = false, clock }: UpOptions): Promise<void> {
  if (!etcd) return;
  const moves = existing !== undefined && !existing.etcd;
  if (moves && isAlive(readProcess(paths.run, serverName))) {
    throw new PreflightError([{ what: `the server of ${name} still runs on its file`, remedy: "what it writes is not in the copy: end it, copy the state again, and start this again" }]);
  }
  const problems = await judgeEtcd(etcd, moves ? "filled" : existing || adopt ? "either" : "empty", { clock, log: silentLog });
  if (problems.length > 0) throw new PreflightError(problems);
}

function grown(existing: ClusterSpec, { nodeCount = existing.nodes.length, registryMirrors, etcd, adopt = false }: UpOptions): ClusterSpec {
  if (nodeCount < existing.nodes.length) throw new PreflightError([{ what: `cluster ${existing.name} has ${existing.nodes.length} nodes, more than ${nodeCount}`, remedy: "take it down and make it anew, or leave --nodes out" }]);
  checkNodeCount(nodeCount);
  const kept = keptEtcd(existing.name, existing.etcd, etcd, adopt);
  if ("what" in kept) throw new PreflightError([kept]);
  return {
    // Those that it has stay what they are: a fork's are named as those of the cluster that it came from.
    ...existing, ...kept, nodes: [...existing.nodes, ...planNodes(existing.name, existing.index, nodeCount).slice(existing.nodes.length)],
    registryMirrors: Object.keys(registryMirrors).length > 0 ? registryMirrors : existing.registryMirrors,
  };
}

function checkNodeCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > nodesMax) throw new PreflightError([{ what: `a cluster cannot have ${count} nodes`, remedy: `give --nodes a number from 1 to ${nodesMax}` }]);
}

async function planNew({ home, name, nodeCount = 1, registryMirrors, offline, nodeMonitorGraceMs, etcd, clock, ...wanted }: UpOptions): Promise<ClusterSpec> {
  checkNodeCount(nodeCount);
  const taken = (await takenCidrs()).flatMap((text) => parseCidr(text) ?? []);
  const isFree = (text: string) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && !taken.some((other) => cidrsOverlap(cidr, other));
  };
  // Namespaces and cgroups carry the name, so that a second one, made with another KEELSON_HOME, would be mixed up with the first.
  const [node] = planNodes(name, 0, 1);
  if (hasProcesses(name) || (node && existsSync(namespacePath(node)))) {
    throw new PreflightError([{
      what: `this machine has a cluster ${name} already, made with another KEELSON_HOME`,
      remedy: `choose another name, or take that one down with the KEELSON_HOME that it was made with (if its folder is gone: \`ip netns delete ${node?.namespace ?? ""}\`)`,
    }]);
  }
  const lost: Pick<ClusterSpec, "index">[] = [];
  for (;;) {
    const others = listSpecs(home);
    const spec = planSpec({ name, nodeCount, apiPort: wanted.apiPort ?? 0, others: [...others, ...lost], isFree, registryMirrors, offline, ...(nodeMonitorGraceMs !== undefined && { nodeMonitorGraceMs }), ...(etcd && { etcd }), nowMs: clock.now() });
    if (spec) {
      const apiPort = wanted.apiPort ?? (await freePortOf(spec.index, new Set(others.map((each) => each.apiPort))));
      const nodes = spec.nodes.map((planned, index) => ({ ...planned, name: wanted.origin?.nodeNames[index] ?? planned.name }));
      if (await claimBridge(spec)) return { ...spec, apiPort, nodes };
      lost.push(spec);
    } else throw new PreflightError([{ what: "no networks are free for another cluster (10.222.x.0/24 with 10.128.0.0/16 and up)", remedy: "take a cluster down, or remove routes to these networks" }]);
  }
}

async function start(spec: ClusterSpec, paths: ClusterPaths, options: UpOptions): Promise<RunningCluster> {
  const { progress, clock, signal, program, env } = options;
  const [pki] = await Promise.all([
    progress.step("Making certificates", async (note) => {
      const made = await ensurePki(paths.pki, pkiSubjects(spec, clock));
      note(made.issued.length === 0 ? "all are valid" : `${made.issued.length} issued`);
      return made;
    }),
    progress.step(`Making the network: bridge ${spec.bridge} and a namespace for each of ${spec.nodes.length} node${spec.nodes.length === 1 ? "" : "s"}`, async () => {
      allowForwarding();
      await ensureNetwork(spec);
    }),
  ]);

  const access = adminAccess(spec, pki);
  writeCredentials(spec, paths, pki);
  await options.origin?.fill(spec, paths, pki);
  launch(serverName, program.server(spec, paths), paths, options);
  for (const node of spec.nodes) {
    launch(agentName(node.name), ["nsenter", `--net=${namespacePath(node)}`, ...program.agent(spec, paths, node)], paths, options);
  }

  using transport = new HttpTransport({ connection: connectionOf(access), clock });
  const carrying = options.origin?.carry(spec, paths);
  carrying?.catch(() => undefined); // It is waited for below, where a node that does not start is told first.
  await progress.step("Starting the control plane", () => serverReady(transport, paths, { clock, signal }));
  await progress.step(spec.nodes.length === 1 ? "Waiting for the node to be Ready" : `Waiting for ${spec.nodes.length} nodes to be Ready`, () => nodesReady(spec, transport, paths, { clock, signal }));
  await carrying;

  if (!options.noKubeconfig) {
    const path = await userKubeconfigPath(env);
    await progress.step(`Adding context ${access.name} to ${path}`, () => addToUserKubeconfig(access, { path, clock, signal }));
  }
  return { spec, access };
}

const connectionOf = (access: ClusterAccess) => ({
  server: access.server, certificateAuthority: access.certificateAuthorityPem, clientCertificate: access.clientCertificatePem, clientKey: access.clientKeyPem,
});

/** Starts one of our processes unless it runs. */
function launch(name: string, argv: readonly [string, ...string[]], paths: ClusterPaths, { clock, env }: UpOptions): void {
  if (isAlive(readProcess(paths.run, name))) return;
  startProcess({ runFolder: paths.run, name, argv, logFile: join(paths.logs, `${name}.log`), env, nowMs: clock.now() });
}

interface Waiting {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function serverReady(transport: HttpTransport, paths: ClusterPaths, { clock, signal }: Waiting): Promise<void> {
  const deadline = clock.now() + serverReadyMsMax;
  for (;;) {
    if (!isAlive(readProcess(paths.run, serverName))) throw new Error(`the server ended while it started; ${join(paths.logs, `${serverName}.log`)} says why`);
    try {
      using response = await transport.raw({ method: "GET", path: "/readyz", signal });
      if (response.status === 200) return;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
    }
    if (clock.now() > deadline) throw new Error(`the server is not ready after ${serverReadyMsMax / 1000} s; ${join(paths.logs, `${serverName}.log`)} may say why`);
    await clock.sleep(retryMs, { signal });
  }
}

async function nodesReady(spec: ClusterSpec, transport: HttpTransport, paths: ClusterPaths, { clock, signal }: Waiting): Promise<void> {
  const client = new TypedClient(transport);
  const deadline = clock.now() + nodesReadyMsMax;
  const routed = new Set<string>();
  for (;;) {
    const { items } = await client.list(nodes, { signal });
    const ready = items.filter(({ metadata, status }) =>
      spec.nodes.some(({ name }) => name === metadata.name) && (status?.conditions ?? []).some(({ type, status: state }) => type === "Ready" && state === "True"));
    const routes = items.flatMap(({ metadata, spec: { podCIDR } = {} }) => {
      const node = spec.nodes.find(({ name }) => name === metadata.name);
      return node && podCIDR !== undefined && !routed.has(node.name) ? [{ node: node.name, podCidr: podCIDR, via: node.address }] : [];
    });
    await setHostRoutes(spec, routes);
    for (const { node } of routes) routed.add(node);
    if (ready.length === spec.nodes.length && routed.size === spec.nodes.length) return;
    for (const { name } of spec.nodes) {
      if (!isAlive(readProcess(paths.run, agentName(name)))) throw new Error(`the agent of node ${name} ended while it started; ${join(paths.logs, `${agentName(name)}.log`)} says why`);
    }
    if (clock.now() > deadline) throw new Error(`${spec.nodes.length - ready.length} of ${spec.nodes.length} nodes are not Ready after ${nodesReadyMsMax / 1000} s; the logs in ${paths.logs} may say why`);
    await clock.sleep(retryMs * 2, { signal });
  }
}

/** The last lines of each log, since the logs go with the cluster that did not start. */
function logTails(paths: ClusterPaths, spec: ClusterSpec): string {
  return [serverName, ...spec.nodes.map(({ name }) => agentName(name))].flatMap((name) => {
    const file = join(paths.logs, `${name}.log`);
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").slice(-5).filter(Boolean) : [];
    return lines.length === 0 ? [] : [`   last lines of ${name}:`, ...lines.map((line) => `     ${line.slice(0, 400)}`)];
  }).join("\n");
}

/** Ends one process of a cluster, for those who want to see what happens then. */
export async function stopOne(paths: ClusterPaths, name: string, waiting: Waiting): Promise<void> {
  const record = readProcess(paths.run, name);
  if (isAlive(record)) await stopProcess(record, { graceMs: 5_000, ...waiting });
}

export const cgroupRootOf = (spec: ClusterSpec, node: string): string => `/${cgroupOf(spec)}/${node}`;
