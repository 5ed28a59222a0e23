import { parseArgs } from "node:util";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { every, systemClock } from "../stdx/clock.ts";
import { tearDown } from "../cluster/commands/down.ts";
import { allStatuses, clusterStatus, statusText } from "../cluster/commands/status.ts";
import { bringUp, PreflightError, type UpOptions } from "../cluster/commands/up.ts";
import { contextName } from "../cluster/kubeconfig/kubeconfig.ts";
import { removeFromUserKubeconfig, userKubeconfigPath } from "../cluster/kubeconfig/user-kubeconfig.ts";
import { programOf } from "../cluster/program.ts";
import { seconds, terminalProgress, type Progress } from "../cluster/progress.ts";
import { snapshotNames } from "../cluster/snapshots/names.ts";
import { homeOf, isClusterName, listSpecs, pathsOf, readSpec, type ClusterSpec, type EtcdSpec } from "../cluster/spec.ts";
import { parseEndpoints } from "../storage/etcd/endpoints.ts";
import { KeySpace } from "../storage/etcd/key-space.ts";
import type { Command } from "./commands.ts";

export const env = process.env;
export const home = homeOf(env);
export const clock = systemClock;
const defaultName = "dev";

export const progress = (): Progress => terminalProgress({ stream: process.stderr, now: () => performance.now(), every });

/** A mistake in how the command was called: told in one line, exit code 2. */
export class UsageError extends Error {}

/** Wraps a command so that what a user can mend is told in words, without a stack. */
export const telling = (run: Command): Command => async (args, signal) => {
  try {
    return await run(args, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof PreflightError) console.error(`keelson: this cannot work yet:\n${error.problems.map(({ what, remedy }) => `  - ${what}\n    → ${remedy}`).join("\n")}`);
    else console.error(`keelson: ${error instanceof Error ? (env["KEELSON_DEBUG"] === undefined ? error.message : error.stack) : String(error)}`);
    return error instanceof UsageError || (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) ? 2 : 1;
  }
};

const nameOf = (positionals: readonly string[], fallback = defaultName): string => {
  if (positionals.length > 1) throw new UsageError(`one name of a cluster was expected, not ${positionals.length}`);
  return positionals[0] ?? fallback;
};

export function numberOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError(`${flag} wants a number, not ${JSON.stringify(text)}`);
  return Number(text);
}

/** "15s", "1m30s", as Go writes durations. */
function durationMsOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  const [, minutes, secs] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
  const ms = (Number(minutes ?? 0) * 60 + Number(secs ?? 0)) * 1000;
  if (ms === 0) throw new UsageError(`${flag} wants a duration like 50s or 1m30s, not ${JSON.stringify(text)}`);
  return ms;
}

/** "docker.io=http://host:5000" → which registry, and where it is asked for instead. */
function mirrorsOf(texts: readonly string[]): ClusterSpec["registryMirrors"] {
  const mirrors: Record<string, string[]> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 1 || !URL.canParse(text.slice(equals + 1))) throw new UsageError(`--registry-mirror wants REGISTRY=URL, not ${JSON.stringify(text)}`);
    (mirrors[text.slice(0, equals)] ??= []).push(text.slice(equals + 1));
  }
  return mirrors;
}

export const upFlags = {
  "nodes": { type: "string" },
  "api-port": { type: "string" },
  "registry-mirror": { type: "string", multiple: true },
  "offline": { type: "boolean" },
  "node-monitor-grace-period": { type: "string" },
  "no-kubeconfig": { type: "boolean" },
  "store": { type: "string" },
  "etcd-cafile": { type: "string" },
  "etcd-certfile": { type: "string" },
  "etcd-keyfile": { type: "string" },
  "etcd-prefix": { type: "string" },
  "adopt": { type: "boolean" },
} as const;

interface UpValues {
  readonly "nodes"?: string;
  readonly "api-port"?: string;
  readonly "registry-mirror"?: readonly string[];
  readonly "offline"?: boolean;
  readonly "node-monitor-grace-period"?: string;
  readonly "no-kubeconfig"?: boolean;
  readonly "store"?: string;
  readonly "etcd-cafile"?: string;
  readonly "etcd-certfile"?: string;
  readonly "etcd-keyfile"?: string;
  readonly "etcd-prefix"?: string;
  readonly "adopt"?: boolean;
}

const defaultEtcdPrefix = "/registry";

function etcdOf(values: UpValues): EtcdSpec | undefined {
  const { store, "etcd-cafile": caFile, "etcd-certfile": certFile, "etcd-keyfile": keyFile, "etcd-prefix": prefix = defaultEtcdPrefix } = values;
  if (store === undefined) {
    const lonely = (["etcd-cafile", "etcd-certfile", "etcd-keyfile", "etcd-prefix", "adopt"] as const).find((flag) => values[flag] !== undefined);
    if (lonely !== undefined) throw new UsageError(`--${lonely} says something about etcd, which --store etcd=https://HOST:2379,… names`);
    return undefined;
  }
  if (!store.startsWith("etcd=")) throw new UsageError(`--store wants etcd=https://HOST:2379,…, not ${JSON.stringify(store)}; without it the state lies in a file of the cluster's folder`);
  for (const file of [caFile, certFile, keyFile]) if (file !== undefined && !existsSync(file)) throw new UsageError(`${file} does not exist`);
  const endpoints = store.slice("etcd=".length);
  try {
    parseEndpoints(endpoints);
    return {
      endpoints, prefix: new KeySpace(prefix).prefix.slice(0, -1),
      ...(caFile !== undefined && { caFile: resolve(caFile) }), ...(certFile !== undefined && { certFile: resolve(certFile) }), ...(keyFile !== undefined && { keyFile: resolve(keyFile) }),
    };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function upOptions(name: string, values: UpValues, story: Progress, signal: AbortSignal): UpOptions {
  const nodeCount = numberOf(values.nodes, "--nodes");
  const apiPort = numberOf(values["api-port"], "--api-port");
  const nodeMonitorGraceMs = durationMsOf(values["node-monitor-grace-period"], "--node-monitor-grace-period");
  const etcd = etcdOf(values);
  return {
    home, name, registryMirrors: mirrorsOf(values["registry-mirror"] ?? []), offline: values.offline ?? false, noKubeconfig: values["no-kubeconfig"] ?? false, adopt: values.adopt ?? false, ...(etcd && { etcd }),
    ...(nodeCount !== undefined && { nodeCount }), ...(apiPort !== undefined && { apiPort }), ...(nodeMonitorGraceMs !== undefined && { nodeMonitorGraceMs }),
    program: programOf({ node: process.execPath, entry: entryPath() }), progress: story, clock, env, signal,
  };
}

/** This program, from source (`bin/keelson.ts`) or published (`bin/keelson.js`). */
export const entryPath = (): string => {
  const source = fileURLToPath(new URL("./keelson.ts", import.meta.url));
  return existsSync(source) ? source : fileURLToPath(new URL("./keelson.js", import.meta.url));
};

export const up = telling(async (args, signal) => {
  const { values, positionals } = parseArgs({ args: [...args], options: upFlags, allowPositionals: true });
  const name = nameOf(positionals);
  const started = performance.now();
  const { spec, access } = await bringUp(upOptions(name, values, progress(), signal));
  const next = [`kubectl --context ${access.name} get nodes`, `kubectl --context ${access.name} run nginx --image nginx`, `keelson trace pod/nginx --cluster ${spec.name}`, `keelson down ${spec.name}`];
  console.log(`Cluster ${spec.name} is up after ${seconds(performance.now() - started)}.\n\nNow try:\n${next.map((line) => `  ${line}`).join("\n")}`);
  return 0;
});

export const down = telling(async (args, signal) => {
  const { values, positionals } = parseArgs({ args: [...args], options: { "all": { type: "boolean" }, "delete-state": { type: "boolean" } }, allowPositionals: true });
  const names = values.all === true ? listSpecs(home).map(({ name }) => name) : [nameOf(positionals)];
  for (const name of names) {
    if (!isClusterName(name) || !existsSync(pathsOf(home, name).root)) {
      console.error(`keelson: there is no cluster ${JSON.stringify(name)}`);
      return 1;
    }
    if (process.getuid?.() !== 0) throw new Error("taking a cluster down needs root: run it with sudo");
    const etcd = readSpec(pathsOf(home, name))?.etcd;
    const deleteState = values["delete-state"] ?? false;
    await tearDown({ home, name, progress: progress(), clock, deleteState, signal });
    await removeFromUserKubeconfig(contextName(name), { path: await userKubeconfigPath(env), clock, signal });
    console.log(`Cluster ${name} is gone.${etcd && !deleteState ? ` Its state stays in etcd, under ${etcd.prefix} at ${etcd.endpoints}: \`keelson up ${name} --store … --adopt\` goes on with it, \`keelson down --delete-state\` would have deleted it.` : ""}`);
    const kept = snapshotNames(home, name);
    if (kept.length > 0) console.log(`Its snapshots stay (${kept.join(", ")}): \`keelson fork ${name} NEW --snapshot NAME\` makes a cluster of one, \`keelson snapshot delete ${name} NAME\` removes it.`);
  }
  return 0;
});

export const status = telling(async (args) => {
  const { values, positionals } = parseArgs({ args: [...args], options: { output: { type: "string", short: "o" } }, allowPositionals: true });
  if (values.output !== undefined && values.output !== "json") throw new UsageError(`-o wants json, not ${JSON.stringify(values.output)}`);
  if (positionals.length === 0 && values.output === undefined) {
    const statuses = allStatuses(home);
    console.log(statuses.length === 0 ? "There are no clusters; `keelson up` makes one." : statuses.map((each) => statusText(each, clock.now())).join("\n\n"));
    return 0;
  }
  const specs = listSpecs(home);
  const found = clusterStatus(home, specOf(nameOf(positionals, specs.length === 1 ? specs[0]?.name : defaultName)));
  console.log(values.output === "json" ? JSON.stringify(found, null, 2) : statusText(found, clock.now()));
  return found.processes.every(({ running }) => running) ? 0 : 1;
});

export function specOf(name: string): ClusterSpec {
  const spec = isClusterName(name) ? readSpec(pathsOf(home, name)) : undefined;
  if (!spec) throw new Error(`there is no cluster ${JSON.stringify(name)}; \`keelson up ${name}\` makes it`);
  return spec;
}

export const encryption = telling(async (args, signal) => {
  const { positionals: [what, ...names] } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  if (what !== "rotate") throw new UsageError("keelson encryption rotate [NAME]");
  const [{ rotateKeys }, { adminTransport }] = await Promise.all([import("../cluster/commands/encryption.ts"), import("../cluster/commands/trace.ts")]);
  const paths = pathsOf(home, specOf(nameOf(names)).name);
  using transport = await adminTransport(paths, clock);
  const count = await rotateKeys({ file: paths.encryption, transport, progress: progress(), clock, signal });
  console.log(`${count} object${count === 1 ? " is" : "s are"} encrypted with a new key. Snapshots from before need the old one.`);
  return 0;
});

export const kubeconfig = telling(async (args) => {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
  process.stdout.write(readFileSync(pathsOf(home, specOf(nameOf(positionals)).name).adminKubeconfig, "utf8"));
  return 0;
});

export const trace = telling(async (args, signal) => {
  const options = { namespace: { type: "string", short: "n" }, cluster: { type: "string" }, uid: { type: "string" }, output: { type: "string", short: "o" } } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const { traceObject } = await import("../cluster/commands/trace.ts");
  const specs = listSpecs(home);
  const spec = specOf(values.cluster ?? (specs.length === 1 ? (specs[0]?.name ?? defaultName) : defaultName));
  return traceObject({
    spec, paths: pathsOf(home, spec.name), what: positionals, namespace: values.namespace ?? "default", ...(values.uid !== undefined && { uid: values.uid }),
    json: values.output === "json", clock, signal, print: (line) => console.log(line),
  });
});

export const demo = telling(async (args, signal) => {
  const { values, positionals } = parseArgs({ args: [...args], options: { ...upFlags, image: { type: "string" } }, allowPositionals: true });
  const { runDemo } = await import("../cluster/commands/demo.ts");
  return runDemo({ up: upOptions(nameOf(positionals, "demo"), values, progress(), signal), ...(values.image !== undefined && { image: values.image }), print: (line) => console.log(line) });
});
