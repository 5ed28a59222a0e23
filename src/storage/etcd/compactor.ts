import type { Clock } from "../../stdx/clock.ts";
import { isRpcError } from "../../stdx/grpc.ts";
import type { Log } from "../../stdx/log.ts";
import type { Revision } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import type { KeySpace } from "./key-space.ts";

/** Upstream's API servers agree over the same key, so both may run on one etcd. */
const shared = new TextEncoder().encode("compact_rev_key");
/** For a user of etcd who may not write to that one. Whoever else compacts leaves as much of history. */
const own = "/registry/keelson/compact_rev_key";

export interface CompactorOptions {
  readonly client: EtcdClient;
  readonly keys: KeySpace;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
  readonly compact: (revision: Revision) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Forgets what is older than one period. Of several servers one does it in each period: whoever first counts up the version of a key that they
 * share; the others learn from it where they are.
 */
export async function runCompactor({ client, keys, clock, log, everyMs, compact, signal }: CompactorOptions): Promise<void> {
  let key: Uint8Array = shared;
  let turn = 0;
  let revision: Revision = 0;
  for (;;) {
    await clock.sleep(everyMs, { signal });
    try {
      const value = new TextEncoder().encode(String(revision));
      const { succeeded, header, responses } = await client.call("Txn", {
        compare: [{ result: "Equal", target: "Version", key, version: turn }],
        success: [{ requestPut: { key, value } }],
        failure: [{ requestRange: { key } }],
      }, { signal });
      const old = revision;
      revision = header?.revision ?? revision;
      if (!succeeded) turn = responses[0]?.responseRange?.kvs[0]?.version ?? 0;
      else {
        turn++;
        if (old > 0) await compact(old);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isRpcError(error, "PERMISSION_DENIED") && key === shared) [key, turn] = [keys.encode(own), 0];
      log.warn("etcd was not compacted; it is tried again", { error });
    }
  }
}
