import { crc32 } from "node:zlib";
import type { Revision } from "../store.ts";

/**
 * What a row of `history` says, in 32 bits: stored with the row and compared whenever it is read. SQLite checks how its pages hang together, not what
 * they hold, so that without it a flipped bit in a value would be served. (CRC-32 misses one damage in four billion; it is no protection against forgery.)
 */
export const rowChecksum = (revision: Revision, key: string, replaced: Revision, value: Uint8Array | null): number =>
  value === null ? crc32(`${revision} ${replaced} - ${key}`) : crc32(value, crc32(`${revision} ${replaced} + ${key}`));

/** That `key` is at `revision`. The sum of these over all keys tells whether two sets of keys are the same. */
export const headChecksum = (revision: Revision, key: string): number => crc32(`${revision} ${key}`);

/**
 * A set of checksums as one number, whatever their order; taking one out is the same as putting it in. CRC-32 is linear: were its values summed as they are,
 * two keys of one length that have changed places would sum to the same, and so could rows that are missing to nothing.
 */
export const toggled = (sum: number, checksum: number): number => (sum ^ mixed(checksum)) >>> 0;

/** As files of version 2 have it. */
export const toggledLinearly = (sum: number, checksum: number): number => (sum ^ checksum) >>> 0;

/** One 32-bit number for another, each bit depending on all and none linearly: the finalizer of MurmurHash3. */
function mixed(bits: number): number {
  const first = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return (second ^ (second >>> 16)) >>> 0;
}
