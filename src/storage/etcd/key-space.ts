import { posix } from "node:path";
import type { Entry } from "../store.ts";
import type { KeyValue } from "./generated/etcd-v3.ts";

/** What keys of the cluster begin with, wherever they lie in etcd. */
const root = "/registry/";

/** In a range end: no end; as a first key: from the beginning. */
export const zero = Uint8Array.of(0);

/** The first key behind all that begin with `prefix`. */
export function endOf(prefix: Uint8Array): Uint8Array {
  for (let last = prefix.length - 1; last >= 0; last--) {
    const byte = prefix[last] ?? 0xff;
    if (byte < 0xff) return Uint8Array.from([...prefix.subarray(0, last), byte + 1]);
  }
  return zero;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Where a cluster's keys lie in etcd. At `/registry` they are what they are; elsewhere that part of them is another one, so that several clusters
 * can share one etcd, and what lies outside of it is not seen.
 */
export class KeySpace {
  /** "/registry/", or what stands there instead. */
  readonly prefix: string;
  readonly #isMoved: boolean;

  /** `prefix` as upstream's --etcd-prefix: "/registry" and "registry" are the same. @throws {TypeError} for one that is everything. */
  constructor(prefix = root) {
    this.prefix = posix.join("/", prefix, "/");
    if (this.prefix === "/") throw new TypeError("--etcd-prefix is empty: it looks like /registry");
    this.#isMoved = this.prefix !== root;
  }

  /** @throws {TypeError} for a key that lies outside of `/registry`, where that is moved. */
  encode(key: string): Uint8Array {
    return encoder.encode(this.placeOf(key));
  }

  /** The key as etcd has it. */
  placeOf(key: string): string {
    if (!this.#isMoved) return key;
    if (!key.startsWith(root)) throw new TypeError(`${key} does not lie under ${root}`);
    return this.prefix + key.slice(root.length);
  }

  /** What all keys begin with that begin with `prefix`; empty for every key. */
  encodePrefix(prefix: string): Uint8Array {
    return this.#isMoved && root.startsWith(prefix) ? encoder.encode(this.prefix) : this.encode(prefix);
  }

  /** The range of all keys of the cluster. */
  get everything(): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
    const key = encoder.encode(this.prefix);
    return { key, rangeEnd: endOf(key) };
  }

  /** Undefined for a key of somebody else. */
  decode(bytes: Uint8Array): string | undefined {
    const place = decoder.decode(bytes);
    if (!this.#isMoved) return place;
    return place.startsWith(this.prefix) ? root + place.slice(this.prefix.length) : undefined;
  }

  /** The value is a view into the message that it came in. */
  entryOf({ key, value, modRevision }: KeyValue): Entry | undefined {
    const name = this.decode(key);
    return name === undefined ? undefined : { key: name, value: new Uint8Array(value.buffer, value.byteOffset, value.byteLength), revision: modRevision };
  }
}
