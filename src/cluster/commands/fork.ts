import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../stdx/clock.ts";
import { isEncrypted } from "../../storage/encryption/transformer.ts";
import { openSnapshot, writeSnapshot, type Snapshot } from "../../storage/snapshot/snapshot-file.ts";
import { carryNodeImages } from "../fork/images.ts";
import { forkedEntry } from "../fork/rewrite.ts";
import type { Pki } from "../pki/pki.ts";
import type { Progress } from "../progress.ts";
import type { Program } from "../program.ts";
import { replaceState } from "../snapshots/replace-state.ts";
import { existingSnapshot, keysOf } from "../snapshots/snapshots.ts";
import { isClusterName, pathsOf, readSpec, type ClusterPaths, type ClusterSpec } from "../spec.ts";
import { stateFileOf } from "../state-file.ts";
import { snapshotLabels, stateOf } from "./snapshot.ts";
import { bringUp, PreflightError, type RunningCluster } from "./up.ts";

export interface ForkOptions {
  readonly home: string;
  /** The cluster whose state it begins with. */
  readonly from: string;
  readonly name: string;
  /** A snapshot of that cluster; its present when absent. */
  readonly snapshot?: string;
  readonly apiPort?: number;
  readonly noKubeconfig: boolean;
  readonly program: Program;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * A second cluster that begins with the state of another one, which goes on as it is, or with a snapshot. It has its own certificates, keys, networks and containers; `rewrite.ts`
 * says what of the state is another in it.
 */
export async function forkCluster(options: ForkOptions): Promise<RunningCluster> {
  const { home, from, name, signal } = options;
  if (!isClusterName(name)) throw new PreflightError([{ what: `${JSON.stringify(name)} cannot be the name of a cluster`, remedy: "use lower-case letters, digits and '-', 32 at most" }]);
  if (existsSync(pathsOf(home, name).root)) throw new PreflightError([{ what: `there is a cluster ${name} already`, remedy: `choose another name, or take it down with \`keelson down ${name}\`` }]);
  if (options.snapshot !== undefined) {
    const { path, kind } = existingSnapshot(home, from, options.snapshot);
    if (kind === "etcd") throw new Error(`snapshot ${options.snapshot} is etcd's own, which does not say how its cluster was made; \`keelson fork ${from} ${name}\` forks its present`);
    await using snapshot = await openSnapshot(path, { signal });
    const { specification } = snapshot.about.labels;
    if (specification === undefined) throw new Error(`snapshot ${options.snapshot} does not say how its cluster was made`);
    const keys = existsSync(keysOf(path)) ? keysOf(path) : pathsOf(home, from).encryption;
    return await fork(JSON.parse(specification) as ClusterSpec, keys, options, async (_, fill) => fill(snapshot));
  }
  const source = isClusterName(from) ? readSpec(pathsOf(home, from)) : undefined;
  if (!source) throw new Error(`there is no cluster ${JSON.stringify(from)}`);
  return await fork(source, pathsOf(home, from).encryption, options, async (paths, fill) => {
    // It is read twice, so it is put down first; the file goes with the end of this.
    const path = join(paths.store, "fork.snapshot");
    rmSync(path, { force: true });
    try {
      await writeSnapshot(path, stateOf(pathsOf(home, from), options), snapshotLabels(source, options.clock), { signal, unique: String(process.pid) });
      await using snapshot = await openSnapshot(path, { signal });
      await fill(snapshot);
    } finally {
      rmSync(path, { force: true });
    }
  });
}

/** The state has no keys in it; they lie beside it. */
function refuseWithoutKey({ name, encrypted }: ClusterSpec, file: string): void {
  if (encrypted === true && !existsSync(file)) throw new PreflightError([{ what: `the Secrets of ${name} are encrypted, and the key to them is gone with the cluster`, remedy: `put a copy of its encryption.json back as ${file}` }]);
}

type WithState = (paths: ClusterPaths, fill: (state: Snapshot) => Promise<void>) => Promise<void>;

function fork(source: ClusterSpec, encryption: string, { home, name, apiPort, noKubeconfig, program, progress, clock, env, signal }: ForkOptions, withState: WithState): Promise<RunningCluster> {
  refuseWithoutKey(source, encryption);
  const fill = (spec: ClusterSpec, paths: ClusterPaths, pki: Pki): Promise<void> => progress.step(`Taking over the state of ${source.name}`, async (note) => {
    await withState(paths, async (state) => {
      const facts = { from: source, to: spec, caPem: pki.ca.certificatePem };
      const { count, revision } = await replaceState(stateFileOf(paths), state, (entry) => {
        if (isEncrypted(entry.value) && !existsSync(encryption)) throw new Error(`${entry.key} is encrypted with keys that cluster ${source.name} does not keep itself: a fork could not read it`);
        return forkedEntry(entry, facts);
      });
      note(`${count} of ${state.about.count} objects of revision ${state.about.revision}, at revision ${revision}`);
    });
  });
  return bringUp({
    home, name, nodeCount: source.nodes.length, registryMirrors: source.registryMirrors, offline: source.offline ?? false, noKubeconfig, program, progress, clock, env, signal,
    ...(apiPort !== undefined && { apiPort }), ...(source.nodeMonitorGraceMs !== undefined && { nodeMonitorGraceMs: source.nodeMonitorGraceMs }),
    origin: { nodeNames: source.nodes.map((node) => node.name), encryption, fill, carry: (spec, paths) => carryNodeImages({ from: pathsOf(home, source.name), to: paths, spec, progress, clock, signal }) },
  });
}
