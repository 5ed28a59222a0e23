import { isZeroScalar, omitsZero, type FieldSchema, type ObjectSchema, type ScalarType, type TypeSchema } from "../schema.ts";
import { specialCodec } from "./special.ts";
import { wireType, type BackwardWriter, type Reader } from "./wire.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** One message type: plain JSON objects to bytes and back. */
export interface MessageCodec {
  write(writer: BackwardWriter, value: Fields): void;
  /** Reads to the end of what the reader is narrowed to. */
  read(reader: Reader): Fields;
}

/** One value with its tag, whatever its type. */
export interface ValueCodec {
  write(writer: BackwardWriter, field: number, value: unknown): void;
  /** `previous` is what the field holds already: lists grow, maps gain keys, everything else is replaced. Undefined leaves the field out. */
  read(reader: Reader, previous: unknown, type: number): unknown;
}

type Resolve = (name: string) => MessageCodec;

const scalarCodecs: Readonly<Record<ScalarType | "bytes", ValueCodec>> = {
  string: {
    write(writer, field, value) {
      writer.string(value as string);
      writer.tag(field, wireType.bytes);
    },
    read: (reader) => reader.string(),
  },
  bytes: {
    write(writer, field, value) {
      writer.bytes(Buffer.from(value as string, "base64"));
      writer.tag(field, wireType.bytes);
    },
    read: (reader) => reader.bytes().toString("base64"),
  },
  integer: {
    write(writer, field, value) {
      writer.integer(value as number);
      writer.tag(field, wireType.varint);
    },
    read: (reader) => reader.integer(),
  },
  boolean: {
    write(writer, field, value) {
      writer.varint(value === true ? 1 : 0);
      writer.tag(field, wireType.varint);
    },
    read: (reader) => reader.varint() !== 0,
  },
  number: {
    write(writer, field, value) {
      writer.double(value as number);
      writer.tag(field, wireType.fixed64);
    },
    read: (reader) => reader.double(),
  },
};

const messageValue = (resolve: () => MessageCodec): ValueCodec => ({
  write(writer, field, value) {
    const start = writer.length;
    resolve().write(writer, value as Fields);
    writer.embed(field, start);
  },
  read(reader) {
    const outer = reader.enter();
    const value = resolve().read(reader);
    reader.leave(outer);
    return value;
  },
});

/** A null among the items is the zero value, as it is for Go's JSON decoder. */
const listValue = (item: ValueCodec, zero: unknown): ValueCodec => ({
  write(writer, field, value) {
    const items = value as readonly unknown[];
    for (let index = items.length - 1; index >= 0; index--) item.write(writer, field, items[index] ?? zero);
  },
  read(reader, previous, type) {
    const items = (previous as unknown[] | undefined) ?? [];
    items.push(item.read(reader, undefined, type));
    return items;
  },
});

/** A list inside of a map, and a named list type, is a message that holds nothing but the list (`ExtraValue`, `Verbs`). */
const wrappedList = (list: ValueCodec): ValueCodec => ({
  write(writer, field, value) {
    const start = writer.length;
    list.write(writer, 1, value);
    writer.embed(field, start);
  },
  read(reader) {
    const outer = reader.enter();
    let value: unknown = [];
    while (!reader.done) {
      const tag = reader.varint();
      if (tag >>> 3 === 1) value = list.read(reader, value, tag & 7);
      else reader.skip(tag & 7);
    }
    reader.leave(outer);
    return value;
  },
});

/** What a map holds for a key without a value, and a list in place of null. */
function zeroOf(type: TypeSchema): unknown {
  switch (type.is) {
    case "scalar": return type.type === "string" ? "" : type.type === "boolean" ? false : 0;
    case "special": return type.type === "Quantity" ? "0" : null;
    case "list": return [];
    case "map": case "ref": return {};
  }
}

const mapValue = (value: ValueCodec, zero: unknown): ValueCodec => ({
  write(writer, field, map) {
    const entries = map as Fields;
    // Go sorts the keys, so that equal objects have equal bytes.
    for (const key of Object.keys(entries).toSorted().toReversed()) {
      const start = writer.length;
      value.write(writer, 2, entries[key] ?? zero);
      writer.string(key);
      writer.tag(1, wireType.bytes);
      writer.embed(field, start);
    }
  },
  read(reader, previous) {
    const map = (previous as Record<string, unknown> | undefined) ?? {};
    const outer = reader.enter();
    let [key, found]: [string, unknown] = ["", undefined];
    while (!reader.done) {
      const tag = reader.varint();
      if (tag >>> 3 === 1) key = reader.string();
      else if (tag >>> 3 === 2) found = value.read(reader, undefined, tag & 7);
      else reader.skip(tag & 7);
    }
    reader.leave(outer);
    setOwn(map, key, found ?? zero);
    return map;
  },
});

/** "__proto__" is a key like any other. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

const fieldCodec = ({ type, wrapped }: FieldSchema, resolve: Resolve): ValueCodec => {
  const value = valueCodec(type, resolve);
  return wrapped === true ? wrappedList(value) : value;
};

function valueCodec(type: TypeSchema, resolve: Resolve): ValueCodec {
  switch (type.is) {
    case "scalar": return scalarCodecs[type.format === "byte" ? "bytes" : type.type];
    case "special": return specialCodec(type, resolve);
    case "ref": {
      let message: MessageCodec | undefined;
      return messageValue(() => (message ??= resolve(type.name)));
    }
    case "list": return listValue(valueCodec(type.of, resolve), zeroOf(type.of));
    case "map": {
      const value = valueCodec(type.of, resolve);
      return mapValue(type.of.is === "list" ? wrappedList(value) : value, zeroOf(type.of));
    }
  }
}

/** `dropsZero`: Go writes the field in protobuf even when it is zero, and leaves it out of JSON then. */
interface CompiledField { readonly name: string; readonly number: number; readonly value: ValueCodec; readonly dropsZero: boolean }
/** A message that JSON inlines: its fields are those of the object around it. */
interface CompiledInline { readonly number: number; readonly fields: readonly Compiled[]; readonly byNumber: readonly (Compiled | undefined)[] }
type Compiled = CompiledField | CompiledInline;

function writeFields(writer: BackwardWriter, fields: readonly Compiled[], value: Fields): void {
  for (let index = fields.length - 1; index >= 0; index--) {
    const field = fields[index];
    if (field === undefined) continue;
    if ("fields" in field) {
      const start = writer.length;
      writeFields(writer, field.fields, value);
      if (writer.length > start) writer.embed(field.number, start);
      continue;
    }
    const own = value[field.name];
    if (own !== undefined && own !== null) field.value.write(writer, field.number, own);
  }
}

function readFields(reader: Reader, fields: readonly (Compiled | undefined)[], into: Record<string, unknown>): void {
  while (!reader.done) {
    const tag = reader.varint();
    const type = tag & 7;
    const field = fields[tag >>> 3];
    if (field === undefined) {
      reader.skip(type);
      continue;
    }
    if ("fields" in field) {
      const outer = reader.enter();
      readFields(reader, field.byNumber, into);
      reader.leave(outer);
      continue;
    }
    const value = field.value.read(reader, into[field.name], type);
    if (value === undefined || (field.dropsZero && isZeroScalar(value))) continue;
    into[field.name] = value;
  }
}

/** A field and the inlined messages that are still around it, outermost first. */
interface Placed { readonly field: CompiledField; readonly within: readonly number[] }

function arrange(placed: readonly Placed[]): readonly Compiled[] {
  const own = placed.filter(({ within }) => within.length === 0).map(({ field }) => field);
  const deeper = Map.groupBy(placed.filter(({ within }) => within.length > 0), ({ within }) => within[0] ?? 0);
  const inlines = [...deeper].map(([number, members]): CompiledInline => {
    const fields = arrange(members.map(({ field, within }) => ({ field, within: within.slice(1) })));
    return { number, fields, byNumber: indexed(fields) };
  });
  return [...own, ...inlines].toSorted((a, b) => a.number - b.number);
}

function indexed(fields: readonly Compiled[]): readonly (Compiled | undefined)[] {
  const result: (Compiled | undefined)[] = [];
  for (const field of fields) result[field.number] = field;
  return result;
}

/** Makes the codec of a message from its schema; `resolve` is asked for the messages in its fields when they are first met. */
export function compileMessage(schema: ObjectSchema, resolve: Resolve): MessageCodec {
  const fields = arrange(Object.entries(schema.fields).flatMap(([name, field]): readonly Placed[] => (field.protobuf === undefined ? [] : [{
    field: { name, number: field.protobuf, value: fieldCodec(field, resolve), dropsZero: omitsZero(field) }, within: field.protobufIn ?? [],
  }])));
  const byNumber = indexed(fields);
  // Times that are not set, and a few lists: there is nothing of them on the wire, and Go shows them in JSON all the same.
  const nulls = Object.entries(schema.fields).filter(([, field]) => field.writtenAsNull === true && field.protobuf !== undefined).map(([name]) => name);
  return {
    write: (writer, value) => writeFields(writer, fields, value),
    read(reader) {
      const result: Record<string, unknown> = {};
      readFields(reader, byNumber, result);
      for (const name of nulls) result[name] ??= null;
      return result;
    },
  };
}
