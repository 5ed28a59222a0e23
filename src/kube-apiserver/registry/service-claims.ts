import { ipaddresses, type IPAddress } from "../../api/generated/networking-v1.ts";
import type { ObjectMeta } from "../../apimachinery/object.ts";
import { ConflictError, type Entry, type Revision, type Store } from "../../storage/store.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { Random } from "../../stdx/random.ts";
import { StoredForm } from "../cache-entry.ts";
import { readForeignValue } from "../foreign-value.ts";
import { prefixOf } from "../storage-keys.ts";
import { timestamp, uuid } from "./identity.ts";

export interface Owner { readonly namespace: string; readonly name: string }

export interface ServiceClaimsOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly log: Log;
  readonly nodePortRange: { readonly first: number; readonly last: number };
}

/** A claim that no Service stands behind after this was left by a server that ended in between: longer than any request lasts. */
const abandonedMs = 90_000;
const conflictRetriesMax = 100;
/** Upstream's bitmap of node ports. */
const portsKey = "/registry/ranges/servicenodeports";
const addresses = new StoredForm(ipaddresses);
const rangeType = { apiVersion: "v1", kind: "RangeAllocation" } as const;

interface PortRange {
  readonly revision: Revision;
  readonly metadata: ObjectMeta;
  readonly bits: bigint;
}

const bitsOf = (data: string): bigint => BigInt(`0x0${Buffer.from(data, "base64").toString("hex")}`);
const dataOf = (bits: bigint): string => {
  const hex = bits === 0n ? "" : bits.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toString("base64");
};

/**
 * Where several servers hand out addresses and ports of one range, what is taken is written down before it is used, as upstream does it: an IPAddress
 * for each cluster IP, and one bitmap for all node ports. Writing it down is what decides between two who want the same.
 */
export class ServiceClaims {
  readonly #options: ServiceClaimsOptions;
  /** Ports that are written down though no Service has them, and since when this is known. */
  readonly #ownerless = new Map<number, number>();

  constructor(options: ServiceClaimsOptions) {
    this.#options = options;
  }

  /** False when it belongs to somebody else. `unused`: no Service has it, as far as can be seen. */
  async claimIp(ip: string, owner: Owner, unused: boolean): Promise<boolean> {
    const { store, clock, random } = this.#options;
    const key = prefixOf(ipaddresses) + ip;
    const object: IPAddress = {
      apiVersion: "networking.k8s.io/v1", kind: "IPAddress",
      metadata: {
        name: ip, uid: uuid(random), creationTimestamp: timestamp(clock.now()),
        labels: { "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" },
      },
      spec: { parentRef: { group: "", resource: "services", namespace: owner.namespace, name: owner.name } },
    };
    const value = addresses.encode(object);
    try {
      await store.put(key, value, { expected: 0 });
      return true;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
    const present = await store.get(key);
    if (!present) return this.claimIp(ip, owner, unused);
    const { metadata: { creationTimestamp } } = addresses.decode(present.value, present.revision);
    if (!unused || clock.now() - Date.parse(creationTimestamp ?? "") < abandonedMs) return false;
    return this.#unlessChanged(() => store.put(key, value, { expected: present.revision }));
  }

  async releaseIp(ip: string, { namespace, name }: Owner): Promise<void> {
    const { store } = this.#options;
    const key = prefixOf(ipaddresses) + ip;
    await this.#quietly(`the address ${ip}`, async () => {
      const present = await store.get(key);
      if (!present) return;
      const { spec: { parentRef } } = addresses.decode(present.value, present.revision) as IPAddress;
      if (parentRef?.namespace !== namespace || parentRef.name !== name) return;
      await this.#unlessChanged(() => store.delete(key, { expected: present.revision }));
    });
  }

  /** False when one of them belongs to somebody else; then none is taken. `unused` are those that no Service has, as far as can be seen. */
  async claimPorts(ports: readonly number[], unused: (port: number) => boolean): Promise<number | undefined> {
    const nowMs = this.#options.clock.now();
    let refused: number | undefined;
    await this.#changePorts((bits) => {
      refused = ports.find((port) => (bits >> this.#bit(port)) & 1n && !this.#isAbandoned(port, unused(port), nowMs));
      return refused === undefined ? ports.reduce((all, port) => all | (1n << this.#bit(port)), bits) : bits;
    });
    if (refused === undefined) for (const port of ports) this.#ownerless.delete(port);
    return refused;
  }

  async releasePorts(ports: readonly number[]): Promise<void> {
    if (ports.length === 0) return;
    await this.#quietly(`the ports ${ports.join(", ")}`, () => this.#changePorts((bits) => ports.reduce((all, port) => all & ~(1n << this.#bit(port)), bits)));
  }

  #bit(port: number): bigint {
    return BigInt(port - this.#options.nodePortRange.first);
  }

  #isAbandoned(port: number, unused: boolean, nowMs: number): boolean {
    if (!unused) {
      this.#ownerless.delete(port);
      return false;
    }
    const since = this.#ownerless.get(port) ?? nowMs;
    this.#ownerless.set(port, since);
    return nowMs - since >= abandonedMs;
  }

  async #changePorts(change: (bits: bigint) => bigint): Promise<void> {
    const { store, clock, nodePortRange: { first, last } } = this.#options;
    for (let attempt = 0; attempt < conflictRetriesMax; attempt++) {
      const present = await store.get(portsKey);
      const range = present ? rangeIn(present) : { revision: 0, metadata: { creationTimestamp: timestamp(clock.now()) }, bits: 0n };
      const bits = change(range.bits);
      if (bits === range.bits) return;
      const value = new TextEncoder().encode(JSON.stringify({ kind: rangeType.kind, apiVersion: rangeType.apiVersion, metadata: range.metadata, range: `${first}-${last}`, data: dataOf(bits) }));
      if (await this.#unlessChanged(() => store.put(portsKey, value, { expected: range.revision }))) return;
    }
    throw new Error(`${portsKey} is written too often`);
  }

  async #unlessChanged(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      if (error instanceof ConflictError) return false;
      throw error;
    }
  }

  /** What is not given back now is found to be abandoned later; the Service's own write has been answered for. */
  async #quietly(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.warn(`${what} could not be given back`, { error });
    }
  }
}

function rangeIn({ value, revision }: Entry): PortRange {
  const { metadata, data } = readForeignValue(value, rangeType) as { readonly metadata?: ObjectMeta; readonly data?: string };
  return { revision, metadata: metadata ?? {}, bits: bitsOf(data ?? "") };
}
