import { apiVersionOf, type KubeObject, type ResourceType } from "../apimachinery/object.ts";
import type { Cell } from "../api/resource.ts";
import type { Revision } from "../storage/store.ts";
import { readForeignValue } from "./foreign-value.ts";

const encoder = new TextEncoder();
const eventEnd = Buffer.from("}\n");

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

  /** `defaults` completes what other servers have stored, which may not know every field that this one does. */
  constructor(type: Pick<ResourceType, "group" | "version" | "kind">, defaults: (object: KubeObject) => KubeObject = (object) => object) {
    this.#defaults = defaults;
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
    const version = `"resourceVersion":"${revision}",`;
    const head = this.#head.length;
    // Not from the shared pool, of which one small object would keep a whole slab alive.
    const whole = Buffer.allocUnsafeSlow(stored.length + version.length + 1);
    whole.set(this.#head, 0);
    whole.write(version, head, "latin1");
    whole.set(stored.subarray(head), head + version.length);
    whole[whole.length - 1] = 0x0a;
    return whole;
  }

  decode(stored: Uint8Array, revision: Revision): KubeObject {
    const object = this.#isOwn(stored) ? (JSON.parse(Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString()) as KubeObject) : this.#defaults(readForeignValue(stored, this));
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
  }
}

/** One object at one revision, with every form in which it was asked for so far. */
export class CacheEntry {
  /** "namespace/name", or "name". */
  readonly key: string;
  readonly revision: Revision;
  readonly form: StoredForm;
  #stored: Uint8Array | undefined;
  #object: KubeObject | undefined;
  /** With a newline at the end. */
  #line: Buffer | undefined;
  #cells: readonly Cell[] | undefined;
  #cellsAtMs = 0;
  #events: Map<string, Buffer> | undefined;
  #views: Map<string, CacheEntry> | undefined;
  #others: Map<string, Buffer> | undefined;

  /** `object`, when given, has this revision as its resourceVersion or none. */
  constructor(form: StoredForm, key: string, revision: Revision, stored: Uint8Array, object?: KubeObject) {
    this.form = form;
    this.key = key;
    this.revision = revision;
    this.#stored = stored;
    const version = String(revision);
    if (object) this.#object = object.metadata.resourceVersion === version ? object : { ...object, metadata: { ...object.metadata, resourceVersion: version } };
  }

  static ofObject(form: StoredForm, key: string, revision: Revision, object: KubeObject): CacheEntry {
    return new CacheEntry(form, key, revision, form.encode(object), object);
  }

  get object(): KubeObject {
    return (this.#object ??= this.#stored ? this.form.decode(this.#stored, this.revision) : (JSON.parse(this.jsonLine.toString()) as KubeObject));
  }

  /** About how long it is as JSON. */
  get byteLength(): number {
    return this.#line?.length ?? this.#stored?.length ?? 0;
  }

  /** The object as it is served, as JSON and a newline. */
  get jsonLine(): Buffer {
    if (this.#line) return this.#line;
    this.#line = this.form.json(this.#stored ?? this.form.encode(this.object), this.revision);
    this.#stored = undefined;
    return this.#line;
  }

  get json(): Buffer {
    const line = this.jsonLine;
    return line.subarray(0, line.length - 1);
  }

  /** As an item of a list: without kind and apiVersion, which the list says once. Begins with `"metadata"`; the brace is the caller's. */
  get jsonItem(): Buffer {
    const line = this.jsonLine;
    return line.subarray(this.form.metadataAt, line.length - 1);
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
    if (this.#views) for (const view of this.#views.values()) view.forgetEvents();
  }

  /** Any other form in bytes, made once per `form`: protobuf, metadata only, … */
  bytes(form: string, make: () => Buffer): Buffer {
    this.#others ??= new Map();
    let bytes = this.#others.get(form);
    if (!bytes) this.#others.set(form, (bytes = make()));
    return bytes;
  }

  /** Cells of the table; those of a date hold the time itself, so they do not age. Others that depend on `nowMs` may be a second old. */
  cells(make: (object: KubeObject) => readonly Cell[], nowMs: number): readonly Cell[] {
    if (!this.#cells || nowMs - this.#cellsAtMs > 1000) {
      this.#cells = make(this.object);
      this.#cellsAtMs = nowMs;
    }
    return this.#cells;
  }

  /** The same object in another version of its API. */
  view(form: StoredForm, convert: (object: KubeObject) => KubeObject): CacheEntry {
    if (form === this.form) return this;
    this.#views ??= new Map();
    let view = this.#views.get(form.apiVersion);
    if (!view) this.#views.set(form.apiVersion, (view = CacheEntry.ofObject(form, this.key, this.revision, convert(this.object))));
    return view;
  }

  /** The same state under a later revision: what a DELETED event carries. */
  at(revision: Revision): CacheEntry {
    return CacheEntry.ofObject(this.form, this.key, revision, this.object);
  }
}
