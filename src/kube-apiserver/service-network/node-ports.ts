import type { ObjectMeta } from "../../apimachinery/object.ts";
import { ConflictError, type Entry, type Revision, type Store } from "../../storage/store.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Random } from "../../stdx/random.ts";
import { readForeignValue } from "../cache/foreign-value.ts";
import { timestamp } from "../registry/identity.ts";
import { unavailable } from "../store-error.ts";
import { positionsToTry, reservedIn } from "./address-ranges.ts";
import type { PortSource } from "./node-port-plan.ts";

export interface PortRange { readonly first: number; readonly last: number }

export interface NodePortsOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly range: PortRange;
}

/** Upstream's place and form for it, so that either server goes on where the other left off. */
const key = "/registry/ranges/servicenodeports";
const kind = { apiVersion: "v1", kind: "RangeAllocation" } as const;
const conflictRetriesMax = 100;

const rangeText = ({ first, last }: PortRange): string => `${first}-${last}`;
const outOfRange = (range: PortRange): string => `provided port is not in the valid range. The range of valid ports is ${rangeText(range)}`;
const alreadyTaken = "provided port is already allocated";

/** Which ports are taken, as one change sees and leaves it. */
export class TakenPorts implements PortSource {
  readonly range: PortRange;
  readonly #random: Random;
  #bits: bigint;
  /** What was taken by this change. */
  readonly taken: number[] = [];

  constructor(range: PortRange, bits: bigint, random: Random) {
    this.range = range;
    this.#bits = bits;
    this.#random = random;
  }

  get bits(): bigint {
    return this.#bits;
  }
  holds(port: number): boolean {
    return port >= this.range.first && port <= this.range.last;
  }
  has(port: number): boolean {
    return this.holds(port) && ((this.#bits >> BigInt(port - this.range.first)) & 1n) === 1n;
  }
  take(port: number): string | undefined {
    if (!this.holds(port)) return outOfRange(this.range);
    if (this.has(port)) return alreadyTaken;
    this.#bits |= 1n << BigInt(port - this.range.first);
    this.taken.push(port);
    return undefined;
  }
  takeAny(): number | undefined {
    const size = this.range.last - this.range.first + 1;
    for (const position of positionsToTry(size, reservedIn(size, { share: 32, max: 128 }), this.#random)) {
      const port = this.range.first + position;
      if (this.take(port) === undefined) return port;
    }
    return undefined;
  }
  release(port: number): void {
    if (this.has(port)) this.#bits &= ~(1n << BigInt(port - this.range.first));
  }
}

/** What a dry run sees: nothing is taken, and ports beyond any range stand for those that would be. */
export class DryPorts implements PortSource {
  readonly #present: TakenPorts;
  readonly #own = new Set<number>();

  constructor(present: TakenPorts) {
    this.#present = present;
  }
  take(port: number): string | undefined {
    if (this.#present.has(port) || this.#own.has(port)) return alreadyTaken;
    this.#own.add(port);
    return undefined;
  }
  takeAny(): number {
    const port = Math.max(...this.#own, ...(this.#own.size === 0 ? [32_768] : [])) + 1;
    this.#own.add(port);
    return port;
  }
}

interface Stored { readonly revision: Revision; readonly metadata: ObjectMeta; readonly bits: bigint; readonly exists: boolean }
interface Job { readonly decide: (ports: TakenPorts) => void; resolve(): void; reject(error: unknown): void }

/**
 * Node ports and health check ports of all Services: one bitmap under one key, changed by compare-and-set, so that it is the store that decides
 * between two who want the same. Changes that wait for one another are written together.
 */
export class NodePorts {
  readonly #options: NodePortsOptions;
  readonly #waiting: Job[] = [];
  #running = false;
  /** As it was after our last write; another server may have written since, which the next write notices. */
  #known: Stored | undefined;

  constructor(options: NodePortsOptions) {
    this.#options = options;
  }

  get range(): PortRange {
    return this.#options.range;
  }

  /** Takes and releases ports; durable when it resolves. What `decide` throws is thrown, and then nothing of it is kept. It may run again. */
  change(decide: (ports: TakenPorts) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ decide, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  /** @throws {StatusError} ServiceUnavailable, Timeout */
  async read(): Promise<TakenPorts> {
    const { range, random } = this.#options;
    return new TakenPorts(range, (await this.#load()).bits, random);
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const jobs = this.#waiting.splice(0);
      try {
        for (const { job, error } of await this.#apply(jobs)) {
          if (error === undefined) job.resolve();
          else job.reject(error);
        }
      } catch (error) {
        // What is stored now is not known.
        this.#known = undefined;
        for (const job of jobs) job.reject(unavailable(error));
      }
    }
    this.#running = false;
  }

  async #apply(jobs: readonly Job[]): Promise<readonly { readonly job: Job; readonly error: unknown }[]> {
    for (let attempt = 0; attempt < conflictRetriesMax; attempt++) {
      const fresh = this.#known === undefined;
      const stored = this.#known ?? await this.#load();
      const { bits, outcomes } = this.#decide(jobs, stored.bits);
      const unchanged = bits === stored.bits && stored.exists;
      // Nobody is refused, and nothing left as it is, because of what may be out of date; a write would notice.
      if (fresh || (!unchanged && outcomes.every(({ error }) => error === undefined))) {
        if (unchanged || await this.#write(stored, bits)) return outcomes;
      }
      this.#known = undefined;
    }
    throw new Error(`${key} is written too often`);
  }

  #decide(jobs: readonly Job[], before: bigint): { readonly bits: bigint; readonly outcomes: readonly { readonly job: Job; readonly error: unknown }[] } {
    const { range, random } = this.#options;
    let bits = before;
    const outcomes = jobs.map((job) => {
      const ports = new TakenPorts(range, bits, random);
      try {
        job.decide(ports);
        bits = ports.bits;
        return { job, error: undefined };
      } catch (error) {
        return { job, error };
      }
    });
    return { bits, outcomes };
  }

  async #load(): Promise<Stored> {
    const { store, clock, range } = this.#options;
    try {
      const present = await store.get(key);
      return present ? storedIn(present, range) : { revision: 0, metadata: { creationTimestamp: timestamp(clock.now()) }, bits: 0n, exists: false };
    } catch (error) {
      throw unavailable(error);
    }
  }

  async #write({ revision, metadata }: Stored, bits: bigint): Promise<boolean> {
    const { store, range } = this.#options;
    const value = new TextEncoder().encode(JSON.stringify({ kind: kind.kind, apiVersion: kind.apiVersion, metadata, range: rangeText(range), data: dataOf(bits) }));
    try {
      this.#known = { revision: await store.put(key, value, { expected: revision }), metadata, bits, exists: true };
      return true;
    } catch (error) {
      if (error instanceof ConflictError) return false;
      throw error;
    }
  }
}

const bitsOf = (data: string): bigint => BigInt(`0x0${Buffer.from(data, "base64").toString("hex")}`);
function dataOf(bits: bigint): string {
  const hex = bits === 0n ? "" : bits.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toString("base64");
}

/** A bitmap of another range than ours is moved to where its ports lie in ours; those outside are forgotten, their Services keep them. */
function storedIn({ value, revision }: Entry, range: PortRange): Stored {
  const { metadata = {}, range: text = "", data = "" } = readForeignValue(value, kind) as { readonly metadata?: ObjectMeta; readonly range?: string; readonly data?: string };
  const first = Number(/^(\d+)-\d+$/.exec(text)?.[1] ?? range.first);
  const bits = bitsOf(data);
  const moved = first <= range.first ? bits >> BigInt(range.first - first) : bits << BigInt(first - range.first);
  return { revision, metadata, bits: moved & ((1n << BigInt(range.last - range.first + 1)) - 1n), exists: text === rangeText(range) };
}
