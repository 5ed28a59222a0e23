import { race } from "../../stdx/abort.ts";
import type { Clock } from "../../stdx/clock.ts";
import { isRpcError } from "../../stdx/grpc.ts";
import type { Random } from "../../stdx/random.ts";
import type { EtcdClient } from "./client.ts";

export interface LeasesOptions {
  readonly client: Pick<EtcdClient, "call">;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
}

/** How much longer than asked for a key may live, so that many can share a lease; upstream's figures. */
const reuse = { share: 0.05, secondsMax: 60 };
/** How many keys one lease takes along; upstream's figure. etcd deletes them all at once. */
const keysMax = 1_000;
/** More kinds of lives than this would be a mistake of ours. */
const livesMax = 16;

interface Shared {
  readonly id: Promise<number>;
  readonly endsMs: number;
  keys: number;
}

/** Leases of etcd, by which keys end themselves. Keys that want the same life share them, because each lease costs etcd as much as a write. */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #byLife = new Map<number, Shared>();

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /** A lease that ends in `lifeMs` at the earliest, counted in whole seconds, and a minute later at the latest. */
  async for(lifeMs: number, signal?: AbortSignal): Promise<number> {
    const seconds = Math.max(1, Math.ceil(lifeMs / 1000));
    const extraMs = Math.min(Math.floor(seconds * reuse.share), reuse.secondsMax) * 1000;
    const nowMs = this.#options.clock.now();
    const present = this.#byLife.get(seconds);
    const leftMs = (present?.endsMs ?? 0) - nowMs - seconds * 1000;
    // One that seems to have more left than it ever had was granted before the clock went back.
    if (present && leftMs > 0 && leftMs <= extraMs && ++present.keys <= keysMax) return await (signal ? race(present.id, signal) : present.id);
    if (this.#byLife.size >= livesMax) this.#byLife.clear();
    const granted: Shared = { id: this.#grant(seconds + extraMs / 1000), endsMs: nowMs + seconds * 1000 + extraMs, keys: 1 };
    this.#byLife.set(seconds, granted);
    granted.id.catch(() => this.#forget(granted));
    return await (signal ? race(granted.id, signal) : granted.id);
  }

  /** Says that etcd does not know a lease any more: its clock is not ours. */
  async lost(id: number): Promise<void> {
    for (const shared of this.#byLife.values()) if ((await shared.id.catch(() => undefined)) === id) this.#forget(shared);
  }

  #forget(shared: Shared): void {
    for (const [life, each] of this.#byLife) if (each === shared) this.#byLife.delete(life);
  }

  /** The number is chosen here: then a grant can be asked for twice, and a number of JavaScript holds it. Nobody's signal ends what many wait for. */
  async #grant(seconds: number): Promise<number> {
    const { client, random } = this.#options;
    const id = 1 + random.below(Number.MAX_SAFE_INTEGER - 1);
    try {
      await client.call("LeaseGrant", { ID: id, TTL: seconds });
    } catch (error) {
      // An attempt whose answer was lost.
      if (!isRpcError(error) || !error.message.includes("lease already exists")) throw error;
    }
    return id;
  }
}
