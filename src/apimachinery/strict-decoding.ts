import { alwaysWritten } from "./always-written.ts";
import type { DuplicateFields } from "./json.ts";
import { goNameOf } from "./go-named-types.ts";
import { canonicalQuantity } from "./quantity.ts";
import { isZeroScalar, omitsZero, type FieldSchema, type ObjectSchema, type SchemaLookup, type TypeSchema } from "./schema.ts";
import { formatDuration, formatMicroTime, formatTime, parseDuration, parseMicroTime, parseTime } from "./time.ts";

/** A value does not fit its type; the message is the one of Go's decoder. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

export interface DecodeResult {
  /** Plain JSON of the type, as Go writes it: unknown fields, nulls and empty collections dropped, what is always there filled in, quantities, times and durations in canonical form. */
  readonly object: Readonly<Record<string, unknown>>;
  /** `unknown field "spec.foo"` */
  readonly unknown: readonly string[];
  /** `duplicate field "spec.foo"` */
  readonly duplicate: readonly string[];
  /** Both, in the order of the document: what `fieldValidation` refuses ("strict decoding error: …") or warns of. */
  readonly strict: readonly string[];
}

export interface DecodeOptions {
  readonly schemas: SchemaLookup;
  /** From `parseJsonStrict`. */
  readonly duplicates?: DuplicateFields;
}

/** No more complaints than this are collected. */
const strictErrorsMax = 100;

/** Where the decoder is. The stacks are only put together into text when there is something to complain about. */
interface Context {
  readonly schemas: SchemaLookup;
  readonly duplicates: DuplicateFields | undefined;
  readonly errors: Set<string>;
  /** The struct that holds the field, for messages. */
  struct: string;
  /** Names of fields from the top, without indices, for messages. */
  readonly fields: string[];
  /** As `fields`, with indices and map keys: the path in complaints. */
  readonly path: string[];
}

const shortName = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
/** "io.k8s.api.core.v1.Pod" is "v1.Pod" in Go. */
const goName = (name: string): string => name.split(".").slice(-2).join(".");

/** Go's names of the structs that JSON inlines: they stand in messages, though nobody writes them. */
const inlinedStructs: Readonly<Record<string, string>> = {
  DeviceAllocationConfiguration: "DeviceConfiguration", DeviceClaimConfiguration: "DeviceConfiguration", DeviceClassConfiguration: "DeviceConfiguration",
  IngressRule: "IngressRuleValue",
  Volume: "VolumeSource", PersistentVolumeSpec: "PersistentVolumeSource", EphemeralContainer: "EphemeralContainerCommon", Probe: "ProbeHandler",
  ConfigMapKeySelector: "LocalObjectReference", SecretKeySelector: "LocalObjectReference", ConfigMapEnvSource: "LocalObjectReference", SecretEnvSource: "LocalObjectReference",
  ConfigMapProjection: "LocalObjectReference", SecretProjection: "LocalObjectReference", ConfigMapVolumeSource: "LocalObjectReference",
};

const goSpecial = {
  Quantity: "resource.Quantity", IntOrString: "intstr.IntOrString", Time: "v1.Time", MicroTime: "v1.MicroTime", Duration: "v1.Duration",
  RawExtension: "runtime.RawExtension", FieldsV1: "v1.FieldsV1", JSON: "v1.JSON",
} as const;

function goType(type: TypeSchema): string {
  switch (type.is) {
    case "scalar":
      if (type.type === "integer") return type.format === "int32" ? "int32" : "int64";
      if (type.type === "number") return "float64";
      if (type.type === "boolean") return "bool";
      return type.format === "byte" ? "[]uint8" : "string";
    case "special": return goSpecial[type.is === "special" ? type.type : "JSON"];
    case "ref": return goName(type.name);
    case "list": return `[]${goType(type.of)}`;
    case "map": return `map[string]${goType(type.of)}`;
  }
}

const kindOf = (value: unknown): string =>
  typeof value === "string" ? "string" : typeof value === "number" ? "number" : typeof value === "boolean" ? "bool" : Array.isArray(value) ? "array" : "object";

function wrongType(value: string, type: string, { struct, fields }: Context): never {
  const short = shortName(struct);
  const shown = goNameOf(type, [short, inlinedStructs[short] ?? ""], fields.at(-1) ?? "");
  throw new DecodeError(`json: cannot unmarshal ${value} into Go ${struct === "" && fields.length === 0 ? "value" : `struct field ${short}.${fields.join(".")}`} of type ${shown}`);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

function complain(context: Context, what: "unknown" | "duplicate", key: string): void {
  if (context.errors.size >= strictErrorsMax) return;
  context.errors.add(`${what} field ${JSON.stringify([...context.path, `.${key}`].join("").slice(1))}`);
}

/** Calls back for each field in order, with complaints about duplicates in between. */
function eachField(value: Readonly<Record<string, unknown>>, context: Context, visit: (key: string, field: unknown) => void, concerns: (key: string) => boolean): void {
  const duplicates = context.duplicates?.get(value);
  let [position, next] = [0, 0];
  const pending = (): void => {
    for (let duplicate = duplicates?.[next]; duplicate && duplicate.position <= position; duplicate = duplicates?.[++next]) {
      if (concerns(duplicate.key)) complain(context, "duplicate", duplicate.key);
    }
  };
  for (const key of Object.keys(value)) {
    visit(key, value[key]);
    position++;
    if (duplicates) pending();
  }
}

const empty = (value: unknown): boolean => (Array.isArray(value) ? value.length === 0 : Object.keys(value as object).length === 0);

/** What Go's encoder leaves out again: nothing at all, empty lists and maps, and scalars with their zero value where absent and zero are not two things. */
function dropsOut(value: unknown, field: FieldSchema): boolean {
  if (value === undefined) return true;
  if (field.required === true) return field.writtenAsNull === true && Array.isArray(value) && value.length === 0;
  if (field.type.is === "list" || field.type.is === "map") return empty(value);
  return isZeroScalar(value) && omitsZero(field);
}

function decodeObject(value: unknown, schema: ObjectSchema, context: Context): Readonly<Record<string, unknown>> {
  if (!isObject(value)) return wrongType(kindOf(value), goName(schema.name), context);
  const result: Record<string, unknown> = {};
  eachField(value, context, (key, raw) => {
    const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
    if (!field) {
      complain(context, "unknown", key);
      return;
    }
    if (raw === null || raw === undefined) return;
    const around = context.struct;
    const depth = context.fields.length;
    context.struct = schema.name;
    const inlined = field.protobufIn === undefined ? undefined : inlinedStructs[shortName(schema.name)];
    if (inlined !== undefined) context.fields.push(inlined);
    context.fields.push(key);
    context.path.push(`.${key}`);
    const decoded = decodeValue(raw, field.type, context);
    context.path.pop();
    context.fields.length = depth;
    context.struct = around;
    if (!dropsOut(decoded, field)) result[key] = decoded;
  }, (key) => Object.hasOwn(schema.fields, key));
  for (const [key, zero] of alwaysWritten(schema, context.schemas)) if (!Object.hasOwn(result, key)) result[key] = zero;
  return result;
}

/** What Go has for an element that is null. */
function zeroOf(type: TypeSchema): unknown {
  switch (type.is) {
    case "scalar": return type.type === "string" ? "" : type.type === "boolean" ? false : 0;
    case "special": return type.type === "Quantity" ? "0" : type.type === "IntOrString" ? 0 : type.type === "Duration" ? "0s" : null;
    case "ref": return {};
    case "list": return [];
    case "map": return {};
  }
}

function decodeValue(value: unknown, type: TypeSchema, context: Context): unknown {
  switch (type.is) {
    case "scalar": return decodeScalar(value, type, context);
    case "special": return decodeSpecial(value, type.type, context);
    case "ref": {
      const schema = context.schemas.type(type.name);
      // A type without fields of its own (an alias of JSON, for one) takes what comes.
      return schema ? decodeObject(value, schema, context) : value;
    }
    case "list": {
      if (!Array.isArray(value)) return wrongType(kindOf(value), goType(type), context);
      return value.map((each: unknown, index) => (each === null ? zeroOf(type.of) : within(`[${index}]`, each, type.of, context)));
    }
    case "map": {
      if (!isObject(value)) return wrongType(kindOf(value), goType(type), context);
      const entries: [string, unknown][] = [];
      eachField(value, context, (key, each) => {
        entries.push([key, each === null ? zeroOf(type.of) : within(`.${key}`, each, type.of, context)]);
      }, () => true);
      return Object.fromEntries(entries);
    }
  }
}

function within(step: string, value: unknown, type: TypeSchema, context: Context): unknown {
  context.path.push(step);
  const decoded = decodeValue(value, type, context);
  context.path.pop();
  return decoded;
}

const [int32Max, int64Max] = [2 ** 31 - 1, 2 ** 63];

function decodeScalar(value: unknown, type: Extract<TypeSchema, { is: "scalar" }>, context: Context): unknown {
  const expected = type.type === "integer" ? "number" : type.type;
  if (typeof value !== expected) return wrongType(kindOf(value), goType(type), context);
  if (type.type === "integer" && typeof value === "number") {
    const fits = type.format === "int32" ? value <= int32Max && value >= -int32Max - 1 : value < int64Max && value >= -int64Max;
    if (!Number.isInteger(value) || !fits) return wrongType(`number ${value}`, goType(type), context);
  }
  if (type.format === "byte" && typeof value === "string") return decodeBytes(value);
  return value;
}

/** Base64 in its standard alphabet with padding; line ends are allowed and dropped. */
function decodeBytes(text: string): string {
  const plain = /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, "") : text;
  const match = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?/.exec(plain)?.[0] ?? "";
  if (match.length !== plain.length) {
    const rest = plain.slice(match.length);
    const wrong = rest.search(/[^A-Za-z0-9+/]/);
    throw new DecodeError(`illegal base64 data at input byte ${match.length + Math.max(0, wrong)}`);
  }
  return plain;
}

function decodeSpecial(value: unknown, type: Extract<TypeSchema, { is: "special" }>["type"], context: Context): unknown {
  switch (type) {
    case "JSON": case "FieldsV1": return value;
    case "RawExtension": return value;
    case "IntOrString":
      if (typeof value === "string") return value;
      if (typeof value !== "number") return wrongType(kindOf(value), "int32", context);
      if (!Number.isInteger(value) || value > int32Max || value < -int32Max - 1) return wrongType(`number ${value}`, "int32", context);
      return value;
    case "Quantity":
      if (typeof value === "string") return inWords(() => canonicalQuantity(value.trim()));
      if (typeof value === "number") return inWords(() => canonicalQuantity(value));
      return inWords(() => canonicalQuantity(JSON.stringify(value)));
    case "Time":
      if (typeof value !== "string") return wrongType(kindOf(value), "string", context);
      return inWords(() => formatTime(parseTime(value)));
    case "MicroTime":
      if (typeof value !== "string") return wrongType(kindOf(value), "string", context);
      return inWords(() => formatMicroTime(parseMicroTime(value)));
    case "Duration":
      if (typeof value !== "string") return wrongType(kindOf(value), "string", context);
      return inWords(() => formatDuration(parseDuration(value)));
  }
}

function inWords<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/**
 * Reads an untyped value as an object of a type. Throws `DecodeError` for a value of the wrong type; what is only unknown or repeated is
 * dropped and told. Names of fields are case-sensitive.
 */
export function decodeStrict(value: unknown, schema: ObjectSchema, { schemas, duplicates }: DecodeOptions): DecodeResult {
  const errors = new Set<string>();
  const object = decodeObject(value, schema, { schemas, duplicates: duplicates && duplicates.size > 0 ? duplicates : undefined, errors, struct: "", fields: [], path: [] });
  const strict = [...errors];
  return {
    object, strict,
    unknown: strict.filter((message) => message.startsWith("unknown")), duplicate: strict.filter((message) => message.startsWith("duplicate")),
  };
}

