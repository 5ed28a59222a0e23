import { basename, dirname } from "node:path";
import { parseArgs } from "node:util";
import { existsSync } from "node:fs";
import { controlLoops, type ControlLoop } from "../cluster/components.ts";
import { encryptsByItself } from "../cluster/encryption/own-file.ts";
import type { EncryptionSettings } from "../cluster/server.ts";
import { pathsOf, readSpec, type ClusterPaths, type ClusterSpec } from "../cluster/spec.ts";
import { readyStateFile } from "../cluster/state-file.ts";
import { storeLocationOf } from "../cluster/store-location.ts";
import { parseDurationMs } from "../apimachinery/time.ts";
import { systemClock } from "../stdx/clock.ts";
import { jsonLog } from "../stdx/log.ts";
import { cryptoRandom } from "../stdx/random.ts";
import { isEtcd, openStore } from "../storage/open-store.ts";
import type { Command } from "./commands.ts";
import { servingFlags, servingOptions } from "./serving-flags.ts";
import { untilEnded } from "./until-ended.ts";

/**
 * `keelson server --state DIR`: the folder of a cluster that `keelson up` has made. What is stored lies where the cluster's spec says; with
 * `--store etcd=https://a:2379,…` it lies in etcd, which several servers may share.
 * `--without kube-controller-manager,kube-scheduler` leaves these to programs of their own, ours or upstream's.
 * `--runtime-config api/beta=true,apps/v1=false,…` turns versions of the API on and off.
 */
export const server: Command = async (args, signal) => {
  const { values } = parseArgs({ args: [...args], options: {
    "state": { type: "string" }, "cluster": { type: "string" }, "log-level": { type: "string" },
    "store": { type: "string" }, "etcd-cafile": { type: "string" }, "etcd-certfile": { type: "string" }, "etcd-keyfile": { type: "string" }, "etcd-prefix": { type: "string" },
    "etcd-compaction-interval": { type: "string" },
    "without": { type: "string", multiple: true },
    "runtime-config": { type: "string", multiple: true },
    "encryption-provider-config": { type: "string" }, "encryption-provider-config-automatic-reload": { type: "boolean" },
    ...servingFlags,
  } });
  if (values.state === undefined) throw new Error("--state names the folder of the cluster");
  const paths = pathsOf(dirname(dirname(values.state)), basename(values.state));
  const spec = readSpec(paths);
  if (!spec) throw new Error(`${paths.spec} is missing: \`keelson up\` makes it`);
  const encryption = encryptionOf(values, spec, paths);
  const log = jsonLog({ level: values["log-level"] === "debug" ? "debug" : "info", now: systemClock.now, write: (line) => process.stderr.write(line) });
  return untilEnded(log, signal, async (until) => {
    // The store's thread opens the file on another core while this one loads everything else.
    const location = values.store === undefined ? storeLocationOf(spec, paths) : {
      store: values.store, etcdPrefix: values["etcd-prefix"], etcdCaFile: values["etcd-cafile"], etcdCertFile: values["etcd-certfile"], etcdKeyFile: values["etcd-keyfile"],
    };
    if (!isEtcd(location) && values.store === undefined) readyStateFile(paths);
    const interval = values["etcd-compaction-interval"];
    const store = openStore(location, { clock: systemClock, log, ...(interval !== undefined && { compactEveryMs: parseDurationMs(interval) }) });
    store.catch(() => {}); // Told where it is awaited.
    const { runServer } = await import("../cluster/server.ts");
    const runtimeConfig = (values["runtime-config"] ?? []).join(",");
    await runServer({ spec, paths, clock: systemClock, random: cryptoRandom, log, signal: until, store, runtimeConfig, without: withoutOf(values.without ?? []), ...servingOptions(values), ...(encryption && { encryption }) });
  });
};

/** @throws {Error} for what is no component of the server's that can be left out. */
function withoutOf(values: readonly string[]): ReadonlySet<ControlLoop> {
  return new Set(values.flatMap((value) => value.split(",")).map((name) => {
    const loop = controlLoops.find((each) => each === name);
    if (!loop) throw new Error(`--without ${name}: it is ${controlLoops.join(" or ")}`);
    return loop;
  }));
}

interface EncryptionFlags {
  readonly "store"?: string;
  readonly "encryption-provider-config"?: string;
  readonly "encryption-provider-config-automatic-reload"?: boolean;
}

/**
 * The file that the flags name, or that of the cluster, also when its state was copied into another store. Only what is in the cluster's own store is rewritten
 * without being asked: servers that share another one may not have the newest key yet.
 */
function encryptionOf(values: EncryptionFlags, spec: ClusterSpec, paths: ClusterPaths): EncryptionSettings | undefined {
  const [file, reload = false] = [values["encryption-provider-config"], values["encryption-provider-config-automatic-reload"]];
  if (file !== undefined) return { file, reload, rewriteStale: false };
  if (reload) throw new Error("--encryption-provider-config-automatic-reload must be set with --encryption-provider-config");
  if (existsSync(paths.encryption)) return { file: paths.encryption, reload: true, rewriteStale: values.store === undefined && encryptsByItself(spec) };
  if (spec.encrypted === true) throw new Error(`${paths.encryption} is missing, and with it the key to the cluster's Secrets: put it back from a copy`);
  return undefined;
}
