import { endpoints, type Endpoints } from "../../api/generated/core-v1.ts";
import { ConflictError, type Store } from "../../storage/store.ts";
import { StoredForm } from "../cache/cache-entry.ts";
import { storageRoot } from "../cache/storage-keys.ts";

/** A server that has not renewed its lease for so long is gone; upstream's figure. It is renewed every ten seconds. */
const leaseMs = 15_000;
/** Nobody but this server writes its key, or one that takes its place. */
const attemptsMax = 5;
/** Upstream's name of it. */
const prefix = `${storageRoot}masterleases/`;

const form = new StoredForm(endpoints);
const leaseOf = (ip: string, generation: number): Endpoints => ({ apiVersion: "v1", kind: "Endpoints", metadata: { generation }, subsets: [{ addresses: [{ ip }] }] });
const addressesIn = ({ subsets }: Endpoints): readonly string[] => subsets?.[0]?.addresses?.slice(0, 1).map(({ ip }) => ip) ?? [];

/**
 * Which API servers of the cluster run, where there can be several: each keeps a key under its address, which ends soon after the server does. Upstream's
 * servers keep theirs in the same place and form, so both kinds know of each other.
 */
export class ServerLeases {
  readonly #store: Store;

  /** @throws {TypeError} for a store whose keys stay for ever. */
  constructor(store: Store) {
    if (!store.expires) throw new TypeError("leases of servers need a store that ends them");
    this.#store = store;
  }

  /** Of all servers, in the order of their keys. */
  async list(signal?: AbortSignal): Promise<readonly string[]> {
    const { entries } = await this.#store.list(prefix, { ...(signal && { signal }) });
    return entries.flatMap(({ value, revision }) => addressesIn(form.decode(value, revision) as Endpoints));
  }

  async renew(ip: string, signal?: AbortSignal): Promise<void> {
    await this.#change(ip, signal, async (key, present, generation) => {
      await this.#store.put(key, form.encode(leaseOf(ip, generation + 1)), { expected: present, lifeMs: leaseMs, ...(signal && { signal }) });
    });
  }

  /** At once, instead of when its time is over. */
  async remove(ip: string, signal?: AbortSignal): Promise<void> {
    await this.#change(ip, signal, async (key, present) => {
      if (present > 0) await this.#store.delete(key, { expected: present, ...(signal && { signal }) });
    });
  }

  async #change(ip: string, signal: AbortSignal | undefined, write: (key: string, present: number, generation: number) => Promise<void>): Promise<void> {
    const key = prefix + ip;
    for (let attempt = 1; ; attempt++) {
      const present = await this.#store.get(key, { ...(signal && { signal }) });
      const generation = present ? (form.decode(present.value, present.revision).metadata.generation ?? 0) : 0;
      try {
        return await write(key, present?.revision ?? 0, generation);
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt === attemptsMax) throw error;
      }
    }
  }
}
