import type { Random } from "../../stdx/random.ts";
import { keyOfChange, OutcomeUnknownError, revisionOfChange, UnavailableError, type Change, type Revision, type Watch, type WatchOptions } from "../store.ts";
import { DoubtError, type EtcdClient } from "./client.ts";
import type { KeyValue } from "./generated/etcd-v3.ts";
import type { KeySpace } from "./key-space.ts";
import type { Leases } from "./leases.ts";
import { outcomeUnknown } from "./successor.ts";

export interface CreateOnceOptions {
  readonly client: Pick<EtcdClient, "call">;
  readonly keys: KeySpace;
  readonly leases: Leases;
  readonly random: Random;
  readonly watch: (prefix: string, options: WatchOptions) => Watch;
}

export interface Creation {
  readonly key: string;
  readonly value: Uint8Array;
  readonly lease: number | undefined;
  /** A revision that etcd had reached before. */
  readonly after: Revision;
  readonly signal: AbortSignal | undefined;
}

/** The revision at which the key was made, or what it is at already. */
export type Created = { readonly revision: Revision } | { readonly present: KeyValue | undefined };

/** Of no resource, so that nobody who serves what is stored looks at them. */
const fences = "/registry/keelson/fences/";
const fenceBytes = 12;
/** No attempt is under way for so long. */
const fenceMs = 3_600_000;
const attemptsMax = 4;

/**
 * Makes a key that must not exist. Unlike a write that is based on a revision, an attempt at this may be made good much later, by a member that was
 * stopped or cut off with it: when the key has been made by another attempt and deleted since, it does not exist again. So each attempt also asks that a
 * fence does not exist, a key of its own, which is put up before the next attempt is made. Behind it the lost one is over, and history tells what became of it.
 */
export async function createOnce(creation: Creation, options: CreateOnceOptions): Promise<Created> {
  const { client, keys, random } = options;
  const { key, value, lease, signal } = creation;
  const name = keys.encode(key);
  let doubt: DoubtError | undefined;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const fence = keys.encode(fences + Buffer.from(random.bytes(fenceBytes)).toString("hex"));
    try {
      const { succeeded, header, responses } = await client.call("Txn", {
        compare: [{ result: "Equal", target: "Mod", key: name, modRevision: 0 }, { result: "Equal", target: "Create", key: fence, createRevision: 0 }],
        success: [{ requestPut: { key: name, value, ...(lease !== undefined && { lease }) } }],
        failure: [{ requestRange: { key: name } }],
      }, { signal, once: true });
      return succeeded ? { revision: header?.revision ?? 0 } : { present: responses[0]?.responseRange?.kvs[0] };
    } catch (error) {
      if (!(error instanceof DoubtError)) throw error;
      doubt = error;
    }
    const done = await whatBecame(fence, creation, options);
    if (done !== undefined) return { revision: done };
  }
  throw new UnavailableError(`etcd does not answer: ${doubt?.message ?? ""}`, { cause: doubt });
}

/** Puts up the fence, and looks whether the attempt was before it. Undefined: it was not, and never will be. */
async function whatBecame(fence: Uint8Array, { key, value, after, signal }: Creation, { client, leases, watch }: CreateOnceOptions): Promise<Revision | undefined> {
  try {
    const lease = await leases.for(fenceMs, signal);
    const { header } = await client.call("Txn", { success: [{ requestPut: { key: fence, value: new Uint8Array(0), lease } }] }, { signal });
    const changes = await changesOf(key, { after, until: header?.revision ?? 0, signal, watch });
    const mine = changes.find((change) => change.type === "put" && change.created && Buffer.compare(change.entry.value, value) === 0);
    return mine && revisionOfChange(mine);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof OutcomeUnknownError) throw error;
    throw new OutcomeUnknownError(`it is not known whether ${key} was written: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** @throws {CompactedError} when it is forgotten. */
async function changesOf(key: string, { after, until, signal, watch }: { readonly after: Revision; readonly until: Revision; readonly signal: AbortSignal | undefined; readonly watch: CreateOnceOptions["watch"] }): Promise<readonly Change[]> {
  const reached = new AbortController();
  const changes: Change[] = [];
  using watching = watch(key, {
    after, signal: signal ? AbortSignal.any([signal, reached.signal]) : reached.signal,
    onProgress: (revision) => {
      if (revision >= until) reached.abort();
    },
  });
  for await (const change of watching) {
    if (revisionOfChange(change) > until) {
      reached.abort();
      break;
    }
    if (keyOfChange(change) === key) changes.push(change);
  }
  signal?.throwIfAborted();
  if (!reached.signal.aborted) throw outcomeUnknown(key); // The store was closed.
  return changes;
}
