import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import { etcdOptions, openStore } from "../storage/open-store.ts";
import type { Problem } from "./preflight.ts";
import type { EtcdSpec } from "./spec.ts";
import { storeLocationOf } from "./store-location.ts";

/** Somebody waits at a terminal: an election is over by then. */
const patienceMs = 4_000;

interface Tools {
  readonly clock: Clock;
  readonly log: Log;
}

const locationOf = (etcd: EtcdSpec) => storeLocationOf({ etcd }, { store: "" });

/**
 * What a cluster that exists keeps its state in from now on: members and certificates may change, the place may not. Only a cluster whose state was copied
 * out of its file goes on in etcd, when that is said with `adopt`.
 */
export function keptEtcd(name: string, existing: EtcdSpec | undefined, wanted: EtcdSpec | undefined, adopt: boolean): { readonly etcd?: EtcdSpec } | Problem {
  if (!wanted) return existing ? { etcd: existing } : {};
  if (!existing && !adopt) {
    return {
      what: `cluster ${name} keeps its state in a file of its own, not in etcd`,
      remedy: `leave --store out; or end its server, copy the state with \`keelson store copy\`, and say --adopt to go on with the copy`,
    };
  }
  if (existing && existing.prefix !== wanted.prefix) return { what: `cluster ${name} lies under ${existing.prefix} in etcd, not under ${wanted.prefix}`, remedy: `leave --etcd-prefix out, or say --etcd-prefix ${existing.prefix}` };
  return { etcd: wanted };
}

/** What must lie at the place that a cluster is to have in etcd: nothing for a new one, its state for one that goes on there. */
export type EtcdPlace = "empty" | "filled" | "either";

/** Looks at the place that a cluster is to have in etcd. */
export async function judgeEtcd(etcd: EtcdSpec, place: EtcdPlace, tools: Tools): Promise<readonly Problem[]> {
  try {
    await using store = await openStore(locationOf(etcd), { ...tools, patienceMs });
    if (place === "either") return [];
    const { entries: [first], remaining } = await store.list("/registry/", { limit: 1 });
    if ((place === "empty") === (first === undefined)) return [];
    return [place === "empty"
      ? { what: `etcd holds ${remaining + 1} keys of another cluster under ${etcd.prefix}`, remedy: "give this cluster a place of its own with --etcd-prefix /registry/NAME, or say --adopt to go on with what is there" }
      : { what: `etcd holds nothing under ${etcd.prefix} that this cluster could go on with`, remedy: "end its server and copy its state there with `keelson store copy`" }];
  } catch (error) {
    return [{
      what: `etcd cannot be used at ${etcd.endpoints}: ${error instanceof Error ? error.message : String(error)}`,
      remedy: "see that it runs, and that --store, --etcd-cafile, --etcd-certfile and --etcd-keyfile are right",
    }];
  }
}

/** Deletes a cluster's state in etcd. @throws {UnavailableError} when it does not answer. */
export async function deleteEtcdState(etcd: EtcdSpec, tools: Tools): Promise<number> {
  const { removeAll } = await import("../storage/etcd/remove-all.ts");
  return removeAll({ ...await etcdOptions(locationOf(etcd)), ...tools });
}
