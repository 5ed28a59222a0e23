/** A list in its envelope, taken apart, so that its items can be written between head and tail as they are made. */
export interface ListFrame {
  /** Everything up to the metadata of the list, when the items have `itemsLength` bytes together. */
  head(itemsLength: number): Buffer;
  readonly tail: Buffer;
}

const magicLength = 4;
const typeMetaTag = 0x0a;
const rawTag = 0x12;

function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let [value, shift, next] = [0, 1, at];
  for (;;) {
    const byte = bytes[next++] ?? 0;
    value += (byte & 0x7f) * shift;
    if (byte < 0x80) return { value, next };
    shift *= 128;
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Where the message lies in an envelope that this package has written: type first, then the message. */
function messageIn(envelope: Buffer): { readonly tagAt: number; readonly from: number; readonly to: number } {
  if (envelope[magicLength] !== typeMetaTag) throw new TypeError("the envelope does not begin with its type");
  const type = readVarint(envelope, magicLength + 1);
  const tagAt = type.next + type.value;
  if (envelope[tagAt] !== rawTag) throw new TypeError("the envelope's second field is not its message");
  const raw = readVarint(envelope, tagAt + 1);
  return { tagAt, from: raw.next, to: raw.next + raw.value };
}

/** Of the list without any items, in its envelope. */
export function listFrame(empty: Buffer): ListFrame {
  const { tagAt, from, to } = messageIn(empty);
  return {
    head: (itemsLength) => Buffer.concat([empty.subarray(0, tagAt + 1), varint(to - from + itemsLength), empty.subarray(from, to)]),
    tail: empty.subarray(to),
  };
}

/** The items alone, of a list with the same metadata as the empty one. */
export function itemsOfList(some: Buffer, empty: Buffer): Buffer {
  const { from, to } = messageIn(some);
  const without = messageIn(empty);
  return some.subarray(from + without.to - without.from, to);
}

/** How long a list gets by an item whose message has so many bytes: its tag and its length come before it. */
export const itemLength = (bodyLength: number): number => 1 + varint(bodyLength).length + bodyLength;
