import type { TypeSchema } from "../schema.ts";
import type { MessageCodec, ValueCodec } from "./message.ts";
import { Reader, wireType, WireFormatError, type BackwardWriter } from "./wire.ts";

/** A message written and read by hand. */
const message = (write: (writer: BackwardWriter, value: unknown) => void, read: (reader: Reader) => unknown): ValueCodec => ({
  write(writer, field, value) {
    const start = writer.length;
    write(writer, value);
    writer.embed(field, start);
  },
  read(reader) {
    const outer = reader.enter();
    const value = read(reader);
    reader.leave(outer);
    return value;
  },
});

function writeText(writer: BackwardWriter, field: number, text: string): void {
  writer.string(text);
  writer.tag(field, wireType.bytes);
}
function writeNumber(writer: BackwardWriter, field: number, value: number): void {
  writer.integer(value);
  writer.tag(field, wireType.varint);
}
const isEnd = (reader: Reader): boolean => reader.done;

const quantity = message((writer, value) => writeText(writer, 1, String(value)), (reader) => {
  let text = "0";
  while (!isEnd(reader)) {
    const tag = reader.varint();
    if (tag >>> 3 === 1) text = reader.string();
    else reader.skip(tag & 7);
  }
  return text === "" ? "0" : text;
});

/** { type: 0 for a number and 1 for text, intVal, strVal }; Go writes all three. */
const intOrString = message((writer, value) => {
  const isText = typeof value === "string";
  writeText(writer, 3, isText ? value : "");
  writeNumber(writer, 2, isText ? 0 : Number(value));
  writeNumber(writer, 1, isText ? 1 : 0);
}, (reader) => {
  let [type, number, text] = [0, 0, ""];
  while (!isEnd(reader)) {
    const tag = reader.varint();
    switch (tag >>> 3) {
      case 1: type = reader.integer(); break;
      case 2: number = reader.integer(); break;
      case 3: text = reader.string(); break;
      default: reader.skip(tag & 7);
    }
  }
  return type === 1 ? text : number;
});

const msPerSecond = 1000;
const nsPerMicrosecond = 1000;
const timeForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 → { seconds, nanos }; undefined for what is not a time. */
function parseTime(text: string): { readonly seconds: number; readonly nanos: number } | undefined {
  // The usual form needs no expression.
  if (text.length === "2006-01-02T15:04:05Z".length && text.endsWith("Z")) {
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) return { seconds: ms / msPerSecond, nanos: 0 };
  }
  const match = timeForm.exec(text);
  if (!match) return undefined;
  const ms = Date.parse(`${match[1]}${match[3]}`);
  return Number.isNaN(ms) ? undefined : { seconds: ms / msPerSecond, nanos: Number((match[2] ?? "").padEnd(9, "0").slice(0, 9)) };
}

/** Year 0 to 9999, as RFC 3339 has it. */
const [secondsMin, secondsMax] = [-62_167_219_200, 253_402_300_799] as const;

const textOfSeconds = (seconds: number): string => {
  if (!(seconds >= secondsMin && seconds <= secondsMax)) throw new WireFormatError("time out of range");
  return new Date(seconds * msPerSecond).toISOString().slice(0, "2006-01-02T15:04:05".length);
};

/** The zero time is a message without fields, and is left out of JSON. */
const time = (digits: 0 | 6): ValueCodec => message((writer, value) => {
  const parsed = parseTime(String(value));
  if (!parsed) return;
  writeNumber(writer, 2, digits === 0 ? 0 : Math.floor(parsed.nanos / nsPerMicrosecond) * nsPerMicrosecond);
  writeNumber(writer, 1, parsed.seconds);
}, (reader) => {
  let [seconds, nanos, isSet] = [0, 0, false];
  while (!isEnd(reader)) {
    const tag = reader.varint();
    isSet = true;
    switch (tag >>> 3) {
      case 1: seconds = reader.integer(); break;
      case 2: nanos = reader.integer(); break;
      default: reader.skip(tag & 7);
    }
  }
  if (!isSet) return undefined;
  return digits === 0 ? `${textOfSeconds(seconds)}Z` : `${textOfSeconds(seconds)}.${String(Math.floor(nanos / nsPerMicrosecond)).padStart(digits, "0")}Z`;
});

/** A value kept as its JSON text. */
const json = (empty: unknown): ValueCodec => message((writer, value) => {
  writer.bytes(Buffer.from(JSON.stringify(value)));
  writer.tag(1, wireType.bytes);
}, (reader) => {
  let value = empty;
  while (!isEnd(reader)) {
    const tag = reader.varint();
    if (tag >>> 3 !== 1) {
      reader.skip(tag & 7);
      continue;
    }
    const bytes = reader.bytes();
    if (bytes.length > 0) value = JSON.parse(bytes.toString()) as unknown;
  }
  return value;
});

const nsPerUnit: Readonly<Record<string, number>> = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
function parseDuration(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  let total = 0;
  for (const [, amount, unit = ""] of text.matchAll(/([\d.]+)(ns|us|µs|ms|h|m|s)/g)) total += Number(amount) * (nsPerUnit[unit] ?? 0);
  return sign * Math.round(total);
}
/** As Go prints durations: "1h5m0s", "1.5s", "20ms". */
function formatDuration(ns: number): string {
  if (ns === 0) return "0s";
  const [sign, size] = [ns < 0 ? "-" : "", Math.abs(ns)];
  const below = (["ms", "µs", "ns"] as const).find((unit) => size >= (nsPerUnit[unit] ?? 1));
  if (size < 1e9 && below) return `${sign}${size / (nsPerUnit[below] ?? 1)}${below}`;
  const [hours, minutes] = [Math.floor(size / 3600e9), Math.floor((size % 3600e9) / 60e9)];
  return `${sign}${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${(size % 60e9) / 1e9}s`;
}
const duration = message((writer, value) => writeNumber(writer, 1, parseDuration(String(value))), (reader) => {
  let ns = 0;
  while (!isEnd(reader)) {
    const tag = reader.varint();
    if (tag >>> 3 === 1) ns = reader.integer();
    else reader.skip(tag & 7);
  }
  return formatDuration(ns);
});

const schemaProps = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/** JSON has either a schema or something simpler in its place; protobuf has a message with a field for each. */
function schemaOr(name: string, resolve: (name: string) => MessageCodec): ValueCodec {
  const writeSchema = (writer: BackwardWriter, field: number, value: unknown): void => {
    const start = writer.length;
    resolve(schemaProps).write(writer, value as Readonly<Record<string, unknown>>);
    writer.embed(field, start);
  };
  const readSchema = (reader: Reader): unknown => {
    const outer = reader.enter();
    const value = resolve(schemaProps).read(reader);
    reader.leave(outer);
    return value;
  };
  switch (name.slice(name.lastIndexOf(".") + 1)) {
    case "JSONSchemaPropsOrBool": return message((writer, value) => {
      if (typeof value === "boolean") writeNumber(writer, 1, value ? 1 : 0);
      else {
        writeSchema(writer, 2, value);
        writeNumber(writer, 1, 1);
      }
    }, (reader) => {
      let [allows, schema]: [boolean, unknown] = [false, undefined];
      while (!isEnd(reader)) {
        const tag = reader.varint();
        if (tag >>> 3 === 1) allows = reader.varint() !== 0;
        else if (tag >>> 3 === 2) schema = readSchema(reader);
        else reader.skip(tag & 7);
      }
      return schema ?? allows;
    });
    case "JSONSchemaPropsOrArray": return message((writer, value) => {
      if (Array.isArray(value)) for (const each of value.toReversed()) writeSchema(writer, 2, each);
      else writeSchema(writer, 1, value);
    }, (reader) => {
      let schema: unknown;
      const list: unknown[] = [];
      while (!isEnd(reader)) {
        const tag = reader.varint();
        if (tag >>> 3 === 1) schema = readSchema(reader);
        else if (tag >>> 3 === 2) list.push(readSchema(reader));
        else reader.skip(tag & 7);
      }
      return list.length > 0 ? list : schema;
    });
    default: return message((writer, value) => {
      if (Array.isArray(value)) for (const each of value.toReversed()) writeText(writer, 2, String(each));
      else writeSchema(writer, 1, value);
    }, (reader) => {
      let schema: unknown;
      const list: string[] = [];
      while (!isEnd(reader)) {
        const tag = reader.varint();
        if (tag >>> 3 === 1) schema = readSchema(reader);
        else if (tag >>> 3 === 2) list.push(reader.string());
        else reader.skip(tag & 7);
      }
      return list.length > 0 ? list : schema;
    });
  }
}

/** Codecs of the types whose JSON form is not that of their message. */
export function specialCodec(type: Extract<TypeSchema, { readonly is: "special" }>, resolve: (name: string) => MessageCodec): ValueCodec {
  switch (type.type) {
    case "Quantity": return quantity;
    case "IntOrString": return intOrString;
    case "Time": return time(0);
    case "MicroTime": return time(6);
    case "Duration": return duration;
    case "RawExtension": return json(undefined);
    case "FieldsV1": return json({});
    case "JSON": return type.name.includes("JSONSchemaPropsOr") ? schemaOr(type.name, resolve) : json(null);
  }
}
