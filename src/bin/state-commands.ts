import { parseArgs } from "node:util";
import { forkCluster } from "../cluster/commands/fork.ts";
import { restoreSnapshot, saveSnapshot, snapshotTable } from "../cluster/commands/snapshot.ts";
import { copyStore } from "../cluster/commands/store-copy.ts";
import { programOf } from "../cluster/program.ts";
import { nameOfMoment } from "../cluster/snapshots/names.ts";
import { deleteSnapshot, listSnapshots } from "../cluster/snapshots/snapshots.ts";
import { seconds } from "../cluster/progress.ts";
import { listSpecs } from "../cluster/spec.ts";
import type { StoreLocation } from "../storage/open-store.ts";
import { clock, entryPath, env, home, numberOf, progress, specOf, telling, UsageError } from "./cluster-commands.ts";

const program = () => programOf({ node: process.execPath, entry: entryPath() });

/** The one that there is, where there is one. */
const onlyCluster = (): string => {
  const specs = listSpecs(home);
  if (specs.length !== 1 || !specs[0]) throw new UsageError("which cluster? Name it");
  return specs[0].name;
};

const asRoot = (what: string): void => {
  if (process.getuid?.() !== 0) throw new Error(`${what} needs root: run it with sudo`);
};

type Verb = (args: readonly string[], signal: AbortSignal) => Promise<number>;

const verbs: Readonly<Record<string, Verb>> = {
  async save(args, signal) {
    const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
    if (positionals.length > 2) throw new UsageError("snapshot save [CLUSTER] [NAME]");
    const spec = specOf(positionals[0] ?? onlyCluster());
    const name = positionals[1] ?? nameOfMoment(clock.now());
    const { path } = await saveSnapshot({ home, spec, name, progress: progress(), clock, signal });
    console.log(`Snapshot ${name} of cluster ${spec.name} is at ${path}.\n\nPut it back with:\n  keelson snapshot restore ${spec.name} ${name}`);
    return 0;
  },

  async list(args, signal) {
    const { values, positionals } = parseArgs({ args: [...args], options: { output: { type: "string", short: "o" } }, allowPositionals: true });
    if (positionals.length > 1) throw new UsageError("snapshot list [CLUSTER]");
    if (values.output !== undefined && values.output !== "json") throw new UsageError(`-o wants json, not ${JSON.stringify(values.output)}`);
    const found = await listSnapshots(home, positionals[0], signal);
    if (values.output === "json") console.log(JSON.stringify(found, null, 2));
    else console.log(found.length === 0 ? "There are no snapshots; `keelson snapshot save` takes one." : snapshotTable(found));
    for (const { problem } of found) if (problem !== undefined) console.error(`keelson: ${problem}`);
    return found.every(({ problem }) => problem === undefined) ? 0 : 1;
  },

  async restore(args, signal) {
    const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
    const [cluster, name] = positionals;
    if (cluster === undefined || name === undefined || positionals.length > 2) throw new UsageError("snapshot restore CLUSTER NAME");
    asRoot("restoring");
    const { count, revision, damaged } = await restoreSnapshot({ home, spec: specOf(cluster), name, program: program(), progress: progress(), clock, env, signal });
    if (damaged) console.log(`The state that was replaced could not be read (${damaged.problem}); it is kept as ${damaged.path}.`);
    console.log(`Cluster ${cluster} has the ${count} objects of snapshot ${name}, at revision ${revision}.`);
    return 0;
  },

  async delete(args) {
    const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
    const [cluster, ...names] = positionals;
    if (cluster === undefined || names.length === 0) throw new UsageError("snapshot delete CLUSTER NAME…");
    for (const name of names) {
      deleteSnapshot(home, cluster, name);
      console.log(`Snapshot ${name} of cluster ${cluster} is gone.`);
    }
    return 0;
  },
};

/** `keelson snapshot save|list|restore|delete` */
export const snapshot = telling(async ([name = "", ...args], signal) => {
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (!verb) throw new UsageError(`snapshot wants one of ${Object.keys(verbs).join(", ")}${name === "" ? "" : `, not ${JSON.stringify(name)}`}`);
  return verb(args, signal);
});

/** `keelson fork CLUSTER NEW` */
export const fork = telling(async (args, signal) => {
  const { values, positionals } = parseArgs({ args: [...args], options: { "snapshot": { type: "string" }, "api-port": { type: "string" }, "no-kubeconfig": { type: "boolean" } }, allowPositionals: true });
  const [from, name] = positionals;
  if (from === undefined || name === undefined || positionals.length > 2) throw new UsageError("fork CLUSTER NEW");
  asRoot("a fork");
  const apiPort = numberOf(values["api-port"], "--api-port");
  const started = performance.now();
  const { access } = await forkCluster({
    home, from, name, noKubeconfig: values["no-kubeconfig"] ?? false, program: program(), progress: progress(), clock, env, signal,
    ...(values.snapshot !== undefined && { snapshot: values.snapshot }), ...(apiPort !== undefined && { apiPort }),
  });
  console.log(`Cluster ${name} is up after ${seconds(performance.now() - started)}, with the state of ${from}.\n\nNow try:\n  kubectl --context ${access.name} get pods -A\n  keelson down ${name}`);
  return 0;
});

/** `keelson store copy --from sqlite:FILE --to etcd=https://…` */
export const store = telling(async ([verb = "", ...args], signal) => {
  if (verb !== "copy") throw new UsageError(`store wants copy${verb === "" ? "" : `, not ${JSON.stringify(verb)}`}`);
  const { values } = parseArgs({ args: [...args], options: {
    "from": { type: "string" }, "to": { type: "string" }, "restart": { type: "boolean" },
    "etcd-cafile": { type: "string" }, "etcd-certfile": { type: "string" }, "etcd-keyfile": { type: "string" }, "etcd-prefix": { type: "string" },
  } });
  if (values.from === undefined || values.to === undefined) throw new UsageError("store copy --from sqlite:FILE --to etcd=https://HOST:2379,… (or the other way round, or from one file to another)");
  const location = (text: string): StoreLocation => ({ store: text, etcdCaFile: values["etcd-cafile"], etcdCertFile: values["etcd-certfile"], etcdKeyFile: values["etcd-keyfile"], etcdPrefix: values["etcd-prefix"] });
  const { count, raised, revision, encrypted } = await copyStore({ from: location(values.from), to: location(values.to), restart: values.restart ?? false, progress: progress(), clock, signal });
  console.log(`${count} keys were copied in the order of their revisions${raised > 0 ? `, after ${raised} revisions were used up` : ""}; ${values.to} is at revision ${revision}.`);
  if (encrypted > 0) console.log(`${encrypted} values are encrypted: a server of the copy needs --encryption-provider-config with the file of keys (encryption.json in the cluster's folder).`);
  return 0;
});
