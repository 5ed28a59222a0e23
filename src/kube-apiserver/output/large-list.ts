import { itemLength, itemsOfList, listFrame } from "../../apimachinery/protobuf/list-frame.ts";
import type { Turns } from "../../stdx/turns.ts";
import type { Answer } from "../answer.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import { encode, type EncodeOptions } from "./encode.ts";

/** Lists of more objects are made and sent bit by bit. */
export const largeListMin = 1_000;
/** What is made in one turn: at most so many objects, and fewer where they are large. */
const objectsPerTurn = 64;
const bytesPerTurn = 256 * 1024;

/** Of longer lists the first objects would be forgotten before the last are made. */
const keptEntriesMax = 6_000;

type List = Extract<Answer, { is: "list" }>;

const isWholeJson = ({ wanted }: EncodeOptions): boolean => wanted.media === "json" && wanted.as === "object" && !wanted.pretty;

/**
 * The body of a list that is too large to be made at once: pieces that follow each other, one per turn. Whoever sends them takes the next when the reader has
 * taken the last. Together they are what `encode` would give, unless `signal` says before the first one that nobody waits for it any longer. @throws {StatusError} NotAcceptable, before the first piece.
 */
export async function* largeList(answer: List, options: EncodeOptions, turns: Turns, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const { identity, ...list } = answer;
  const keeps = list.entries.length <= keptEntriesMax;
  const encoded = (entries: readonly CacheEntry[]): Buffer => Buffer.concat(encode({ ...list, entries }, { ...options, keeps }));
  const empty = encoded([]);
  if (options.wanted.media === "protobuf") yield* binaryPieces(list.entries, encoded, empty, { turns, signal, lengthOf: options.wanted.as === "object" ? knownLength : () => undefined });
  else if (isWholeJson(options)) {
    const pieces = readyPieces(list.entries, empty, turns);
    yield* identity ? rememberedPieces(answer, options, pieces) : pieces;
  }
  else yield* textPieces(list.entries, encoded, empty, turns);
}

function* slices(entries: readonly CacheEntry[]): Generator<readonly CacheEntry[]> {
  for (let from = 0; from < entries.length; ) {
    let [to, bytes] = [from, 0];
    for (; to < entries.length && to - from < objectsPerTurn && bytes < bytesPerTurn; to++) bytes += entries[to]?.byteLength ?? 0;
    yield entries.slice(from, to);
    from = to;
  }
}

/** The common case: the bytes of each object are there already, and are copied once. */
async function* readyPieces(entries: readonly CacheEntry[], empty: Buffer, turns: Turns): AsyncGenerator<Buffer, void> {
  const at = empty.lastIndexOf("[]") + 1;
  yield empty.subarray(0, at);
  let before = itemStart;
  for (const slice of slices(entries)) {
    await turns.next();
    const parts: Buffer[] = [];
    for (const entry of slice) {
      parts.push(before, entry.jsonItem);
      before = itemNext;
    }
    yield Buffer.concat(parts);
  }
  yield empty.subarray(at);
}
const itemStart = Buffer.from("{");
const itemNext = Buffer.from(",{");

/** Items stand between the head and the tail of the empty list: JSON of any kind, indented or not, and YAML. */
async function* textPieces(entries: readonly CacheEntry[], encoded: (entries: readonly CacheEntry[]) => Buffer, empty: Buffer, turns: Turns): AsyncGenerator<Buffer, void> {
  const at = empty.lastIndexOf("[]");
  const isYaml = empty[0] !== 0x7b;
  // "items: []" of YAML becomes "items:", a line end, and lines of items.
  const [head, tail] = isYaml ? [empty.subarray(0, at - 1), empty.subarray(at + 3)] : [empty.subarray(0, at + 1), empty.subarray(at + 1)];
  yield isYaml ? Buffer.concat([head, Buffer.from("\n")]) : head;
  let first = true;
  let indent: Buffer = Buffer.alloc(0);
  for (const slice of slices(entries)) {
    await turns.next();
    const whole = encoded(slice);
    const inner = whole.subarray(head.length + (isYaml ? 1 : 0), whole.length - tail.length);
    if (isYaml) {
      yield inner;
      continue;
    }
    // Indented, the last item is followed by the bracket's own line.
    const end = inner.lastIndexOf("}") + 1;
    indent = inner.subarray(end);
    yield first ? inner.subarray(0, end) : Buffer.concat([comma, inner.subarray(0, end)]);
    first = false;
  }
  yield Buffer.concat([indent, tail]);
}
const comma = Buffer.from(",");

/** What was made to know how long it is, and is sent later, in bytes. */
const heldBytesMax = 64 << 20;

/**
 * The length comes first. Objects that were asked for in this form before have told theirs; what is made of others is held until it is its turn, as far as that is little
 * enough, and else made again.
 */
async function* binaryPieces(
  entries: readonly CacheEntry[], encoded: (entries: readonly CacheEntry[]) => Buffer, empty: Buffer,
  { turns, signal, lengthOf }: { readonly turns: Turns; readonly signal: AbortSignal; lengthOf(slice: readonly CacheEntry[]): number | undefined },
): AsyncGenerator<Buffer, void> {
  const items = (slice: readonly CacheEntry[]) => itemsOfList(encoded(slice), empty);
  const all = [...slices(entries)];
  const held = new Map<number, Buffer>();
  let [length, heldBytes] = [0, 0];
  for (const [index, slice] of all.entries()) {
    if (index % knownSlicesPerTurn === 0) await turns.next();
    const known = lengthOf(slice);
    if (known !== undefined) {
      length += known;
      continue;
    }
    await turns.next();
    if (signal.aborted) return;
    const made = items(slice);
    length += made.length;
    if (heldBytes + made.length > heldBytesMax) continue;
    held.set(index, made);
    heldBytes += made.length;
  }
  const frame = listFrame(empty);
  yield frame.head(length);
  for (const [index, slice] of all.entries()) {
    const made = held.get(index);
    held.delete(index);
    await turns.next();
    yield made ?? items(slice);
  }
  yield frame.tail;
}
const knownSlicesPerTurn = 64;

function knownLength(slice: readonly CacheEntry[]): number | undefined {
  let length = 0;
  for (const { binaryLength } of slice) {
    if (binaryLength === undefined) return undefined;
    length += itemLength(binaryLength);
  }
  return length;
}

/** The head says at which revision the list is; the rest may be known from the last time. */
async function* rememberedPieces({ identity }: List, { listBodies }: EncodeOptions, pieces: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  const head = await pieces.next();
  if (head.done === true || !identity) return;
  yield head.value;
  const known = listBodies.find(identity);
  if (known) {
    yield* known;
    await pieces.return();
    return;
  }
  const collected: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    yield piece;
    bytes += piece.length;
    if (bytes <= listBodies.bytesMax) collected.push(piece);
    else collected.length = 0;
  }
  if (bytes <= listBodies.bytesMax) listBodies.keep(identity, collected);
}
