import { basename, dirname } from "node:path";
import { parseArgs } from "node:util";
import { pathsOf, readSpec } from "../cluster/spec.ts";
import { readyStateFile } from "../cluster/state-file.ts";
import { systemClock } from "../stdx/clock.ts";
import { jsonLog } from "../stdx/log.ts";
import { cryptoRandom } from "../stdx/random.ts";
import { openStore } from "../storage/open-store.ts";
import type { Command } from "./commands.ts";
import { untilEnded } from "./until-ended.ts";

/**
 * `keelson server --state DIR`: the folder of a cluster that `keelson up` has made. What is stored lies in a file of that folder, or with
 * `--store etcd=https://a:2379,…` in etcd, together with several servers.
 */
export const server: Command = async (args, signal) => {
  const { values } = parseArgs({ args: [...args], options: {
    "state": { type: "string" }, "cluster": { type: "string" }, "log-level": { type: "string" },
    "store": { type: "string" }, "etcd-cafile": { type: "string" }, "etcd-certfile": { type: "string" }, "etcd-keyfile": { type: "string" },
  } });
  if (values.state === undefined) throw new Error("--state names the folder of the cluster");
  const paths = pathsOf(dirname(dirname(values.state)), basename(values.state));
  const spec = readSpec(paths);
  if (!spec) throw new Error(`${paths.spec} is missing: \`keelson up\` makes it`);
  const log = jsonLog({ level: values["log-level"] === "debug" ? "debug" : "info", now: systemClock.now, write: (line) => process.stderr.write(line) });
  return untilEnded(log, signal, async (until) => {
    // The store's thread opens the file on another core while this one loads everything else.
    const store = openStore({
      store: values.store ?? `sqlite:${readyStateFile(paths)}`,
      etcdCaFile: values["etcd-cafile"], etcdCertFile: values["etcd-certfile"], etcdKeyFile: values["etcd-keyfile"],
    }, { clock: systemClock, log });
    store.catch(() => {}); // Told where it is awaited.
    const { runServer } = await import("../cluster/server.ts");
    await runServer({ spec, paths, clock: systemClock, random: cryptoRandom, log, signal: until, store });
  });
};
