import { apiVersionOf, type KubeObject, type ResourceType } from "../../apimachinery/object.ts";
import type { Cell } from "../../api/resource.ts";
import type { Revision } from "../../storage/store.ts";
import { Recent } from "../../stdx/recent.ts";
import { readForeignValue } from "./foreign-value.ts";
import { interned, sharedObject } from "./shared-object.ts";
import type { Slab, Slabs, Tenant } from "./slabs.ts";

const encoder = new TextEncoder();
const eventEnd = Buffer.from("}\n");
const versionText = (revision: Revision): string => `"resourceVersion":"${revision}",`;

/** How much is kept of what entries of one resource were made into. Bytes of parsed objects are those of their JSON; in memory they take some four times as much. */
export interface KeptMax {
  readonly parsed: number;
  readonly parsedBytes: number;
  readonly forms: number;
  readonly formBytes: number;
}
const keptMaxDefault: KeptMax = { parsed: 16_384, parsedBytes: 32 << 20, forms: 8_192, formBytes: 32 << 20 };

/**
 * How objects of one resource lie in the store: as the JSON that is served, except that the resourceVersion, which nobody knows before the
 * write, is missing. All start with the same bytes up to the brace that opens the metadata, so it goes in behind those.
 */
export class StoredForm {
  readonly apiVersion: string;
  readonly kind: string;
  /** `{"kind":"Pod","apiVersion":"v1","metadata":{` */
  readonly #head: Buffer;
  readonly #defaults: (object: KubeObject) => KubeObject;
  /** Where `"metadata"` begins. */
  readonly metadataAt: number;
  /** Entries that hold their object parsed. */
  readonly parsed: Recent<CacheEntry>;
  /** What was parsed last without being kept: a row of a table is made of it twice. */
  lastRead: { readonly entry: CacheEntry; readonly object: KubeObject } | undefined;
  /** Entries that hold other forms: protobuf, cells, other versions. */
  readonly formed: Recent<CacheEntry>;

  /** `defaults` completes what other servers have stored, which may not know every field that this one does. */
  constructor(type: Pick<ResourceType, "group" | "version" | "kind">, defaults: (object: KubeObject) => KubeObject = (object) => object, keptMax: KeptMax = keptMaxDefault) {
    this.#defaults = defaults;
    this.parsed = new Recent({ countMax: keptMax.parsed, weightMax: keptMax.parsedBytes, drop: (entry) => entry.forgetParsed() });
    this.formed = new Recent({ countMax: keptMax.forms, weightMax: keptMax.formBytes, drop: (entry) => entry.forgetForms() });
    this.apiVersion = apiVersionOf(type);
    this.kind = type.kind;
    const start = `{"kind":${JSON.stringify(type.kind)},"apiVersion":${JSON.stringify(this.apiVersion)},`;
    this.metadataAt = start.length;
    this.#head = Buffer.from(`${start}"metadata":{`);
  }

  /** The bytes to store. Metadata is never empty: it has a name and a uid at least. */
  encode(object: KubeObject): Uint8Array {
    const { apiVersion: _, kind: __, metadata, ...rest } = object;
    const { resourceVersion: ___, ...stored } = metadata;
    return encoder.encode(JSON.stringify({ kind: this.kind, apiVersion: this.apiVersion, metadata: stored, ...rest }));
  }

  /** Whether the bytes are of the form that `encode` gives them; other API servers write to the same store in other ones. */
  #isOwn(stored: Uint8Array): boolean {
    return stored[stored.length - 1] === 0x7d && this.#head.equals(stored.subarray(0, this.#head.length));
  }

  /** The bytes to serve, from those that are stored, with a newline at the end. */
  json(bytes: Uint8Array, revision: Revision): Buffer {
    const stored = this.#isOwn(bytes) ? bytes : this.encode(this.#defaults(readForeignValue(bytes, this)));
    // Not from the shared pool, of which one small object would keep a whole slab alive.
    const whole = Buffer.allocUnsafeSlow(stored.length + versionText(revision).length + 1);
    this.writeLine(stored, revision, whole, 0);
    return whole;
  }

  /** How long `json` would be, where that is told without reading the value. */
  lineLength(stored: Uint8Array, revision: Revision): number | undefined {
    return this.#isOwn(stored) ? stored.length + versionText(revision).length + 1 : undefined;
  }

  /** Writes what `json` gives, of a value whose `lineLength` is known. */
  writeLine(stored: Uint8Array, revision: Revision, target: Buffer, at: number): void {
    const version = versionText(revision);
    const head = this.#head.length;
    target.set(this.#head, at);
    target.write(version, at + head, "latin1");
    target.set(stored.subarray(head), at + head + version.length);
    target[at + stored.length + version.length] = 0x0a;
  }

  /** What `json` made the line from, or would have. */
  storedFrom(line: Buffer, revision: Revision): Uint8Array {
    const head = this.#head.length;
    return Buffer.concat([this.#head, line.subarray(head + versionText(revision).length, line.length - 1)]);
  }

  decode(stored: Uint8Array, revision: Revision): KubeObject {
    const object = this.#isOwn(stored) ? (JSON.parse(Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString()) as KubeObject) : this.#defaults(readForeignValue(stored, this));
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
  }
}

function withoutRevision(object: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** What an entry was made into besides JSON. */
interface Forms {
  cells?: readonly Cell[];
  cellsAtMs?: number;
  views?: Map<string, CacheEntry>;
  bytes?: Map<string, Buffer>;
}

/** What a form that is no bytes counts for. */
const cellsBytes = 512;

/**
 * One object at one revision. Its bytes are kept; every other form is made when somebody asks, and kept as long as not too many others were made since: a heap
 * that holds all objects parsed is what V8 takes longest over.
 */
export class CacheEntry implements Tenant {
  /** "namespace/name", or "name". */
  readonly key: string;
  readonly revision: Revision;
  readonly form: StoredForm;
  /** As stored, until somebody asks for it as it is served, or it has a place in a slab. */
  #stored: Uint8Array | undefined;
  /** What holds the object as it is served, with a newline at the end: in a slab from `#at` on, or alone. */
  #line: Buffer | undefined;
  #at = 0;
  #length: number;
  #slab: Slab | undefined;
  #isPast = false;
  #object: KubeObject | undefined;
  #shared: KubeObject | undefined;
  #node: string | undefined;
  #forms: Forms | undefined;
  /** Of the object as protobuf, once it was made: a list of all begins with how long they are together. */
  binaryLength: number | undefined;
  #events: Map<string, Buffer> | undefined;

  /** `object`, when given, has this revision as its resourceVersion or none. */
  constructor(form: StoredForm, key: string, revision: Revision, stored: Uint8Array, object?: KubeObject) {
    this.form = form;
    this.key = key;
    this.revision = revision;
    this.#stored = stored;
    this.#length = stored.length;
    if (!object) return;
    const version = String(revision);
    this.#keepParsed(object.metadata.resourceVersion === version ? object : { ...object, metadata: { ...object.metadata, resourceVersion: version } });
  }

  static ofObject(form: StoredForm, key: string, revision: Revision, object: KubeObject): CacheEntry {
    return new CacheEntry(form, key, revision, form.encode(object), object);
  }

  /** The whole object. Not to be held for longer than it takes to work with it: `shared` is for that. */
  get object(): KubeObject {
    return this.#object ?? this.#keepParsed(this.read());
  }

  /** The whole object for those who look at very many, each once: were these kept for a while, the collector would take them for what is meant to stay. */
  read(): KubeObject {
    if (this.#object) return this.#object;
    const { lastRead } = this.form;
    if (lastRead?.entry === this) return lastRead.object;
    const object = this.#stored ? this.form.decode(this.#stored, this.revision) : (JSON.parse(this.jsonLine.toString()) as KubeObject);
    this.form.lastRead = { entry: this, object };
    return object;
  }

  #keepParsed(object: KubeObject): KubeObject {
    this.#object = object;
    this.form.parsed.add(this, this.byteLength);
    return object;
  }

  forgetParsed(): void {
    this.#object = undefined;
  }

  /** The object for those who keep it: it holds little, and is the same one each time. */
  get shared(): KubeObject {
    return (this.#shared ??= sharedObject(this));
  }

  /** What `nodeOf` reads from the object; always the same function. */
  node(nodeOf: (object: KubeObject) => string): string {
    return (this.#node ??= interned(nodeOf(this.read())));
  }

  /** About how long it is as JSON. */
  get byteLength(): number {
    return this.#length;
  }

  /** The object as it is served, as JSON and a newline. */
  get jsonLine(): Buffer {
    return this.#served(0, 0);
  }

  get json(): Buffer {
    return this.#served(0, 1);
  }

  /** As an item of a list: without kind and apiVersion, which the list says once. Begins with `"metadata"`; the brace is the caller's. */
  get jsonItem(): Buffer {
    return this.#served(this.form.metadataAt, 1);
  }

  /** The line without so many bytes at both ends. */
  #served(before: number, after: number): Buffer {
    if (!this.#line) {
      this.#line = this.form.json(this.#stored ?? this.form.encode(this.object), this.revision);
      this.#length = this.#line.length;
      this.#stored = undefined;
    }
    return before === 0 && after === 0 && !this.#slab ? this.#line : this.#line.subarray(this.#at + before, this.#at + this.#length - after);
  }

  /** Leaves the bytes to a slab, for as long as this is what is there under its key. What another server has stored waits until somebody asks for it. */
  settle(slabs: Slabs): void {
    if (!this.#stored) return;
    const length = this.form.lineLength(this.#stored, this.revision);
    if (length !== undefined) {
      this.#length = length;
      slabs.add(this);
    }
    // It may be a view of much more.
    if (!this.#slab && this.#stored.byteLength < this.#stored.buffer.byteLength) this.#stored = this.#stored.slice();
  }

  /** Something else is there now. */
  unsettle(slabs: Slabs): void {
    const slab = this.#slab;
    this.#isPast = true;
    if (slab) slabs.leave(slab, this.#length);
  }

  livesIn(slab: Slab): boolean {
    return this.#slab === slab && !this.#isPast;
  }

  copyTo(target: Buffer, at: number): void {
    if (this.#stored) this.form.writeLine(this.#stored, this.revision, target, at);
    else this.#line?.copy(target, at, this.#at, this.#at + this.#length);
  }

  moved(slab: Slab, at: number): void {
    [this.#slab, this.#line, this.#at, this.#stored] = [slab, slab.bytes, at, undefined];
  }

  /** `{"type":"ADDED","object":{…}}` and a newline, made once for all watchers. */
  eventJson(type: string): Buffer {
    return this.eventBytes(type, () => Buffer.concat([Buffer.from(`{"type":"${type}","object":`), this.json, eventEnd]));
  }

  /** An event in any other form, made once for all watchers that want it. */
  eventBytes(form: string, make: () => Buffer): Buffer {
    this.#events ??= new Map();
    let event = this.#events.get(form);
    if (!event) this.#events.set(form, (event = make()));
    return event;
  }

  /** All watchers have heard: the bytes of events would only take up room from now on. */
  forgetEvents(): void {
    this.#events = undefined;
    if (this.#forms?.views) for (const view of this.#forms.views.values()) view.forgetEvents();
  }

  /** Any other form in bytes, made once per `form` as long as it is kept: protobuf, metadata only, … Those who want it of very many do not `keep` it. */
  bytes(form: string, make: (object: KubeObject) => Buffer, keep = true): Buffer {
    const known = this.#forms?.bytes?.get(form);
    if (known) return known;
    const bytes = make(this.read());
    if (!keep) return bytes;
    const forms = (this.#forms ??= {});
    (forms.bytes ??= new Map()).set(form, bytes);
    this.form.formed.add(this, bytes.length);
    return bytes;
  }

  /** Cells of the table; those of a date hold the time itself, so they do not age. Others that depend on `nowMs` may be a second old. */
  cells(make: (object: KubeObject) => readonly Cell[], nowMs: number, keep = true): readonly Cell[] {
    const { cells: known, cellsAtMs = -Infinity } = this.#forms ?? {};
    if (known && nowMs - cellsAtMs <= 1000) return known;
    const cells = make(this.read());
    if (!keep) return cells;
    const forms = (this.#forms ??= {});
    [forms.cells, forms.cellsAtMs] = [cells, nowMs];
    this.form.formed.add(this, cellsBytes);
    return cells;
  }

  /** The same object in another version of its API. */
  view(form: StoredForm, convert: (object: KubeObject) => KubeObject): CacheEntry {
    if (form === this.form) return this;
    const known = this.#forms?.views?.get(form.apiVersion);
    if (known) return known;
    const view = CacheEntry.ofObject(form, this.key, this.revision, convert(this.object));
    const forms = (this.#forms ??= {});
    (forms.views ??= new Map()).set(form.apiVersion, view);
    this.form.formed.add(this, view.byteLength);
    return view;
  }

  forgetForms(): void {
    this.#forms = undefined;
  }

  /** The same state under a later revision: what a DELETED event carries. */
  at(revision: Revision): CacheEntry {
    return new CacheEntry(this.form, this.key, revision, this.#stored ?? this.form.storedFrom(this.jsonLine, this.revision), this.#object && withoutRevision(this.#object));
  }
}
