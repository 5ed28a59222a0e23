import { wireType, type BackwardWriter } from "../../apimachinery/protobuf/wire.ts";
import type { Json } from "./definitions.ts";

/** How gnostic's messages, in which OpenAPI documents travel as protobuf, are put together: https://github.com/google/gnostic. */
export type Encode = (writer: BackwardWriter, value: unknown) => void;
/** A field writes itself with its tag; a message is its fields in order of their numbers. */
export type Field = readonly [number: number, key: string, encode: (writer: BackwardWriter, number: number, value: unknown) => void];

const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] => Object.entries(value as Json);
const listOf = (value: unknown): readonly unknown[] => value as readonly unknown[];

export const text: Field[2] = (writer, number, value) => {
  writer.string(String(value));
  writer.tag(number, wireType.bytes);
};
export const boolean: Field[2] = (writer, number, value) => {
  if (value !== true) return;
  writer.varint(1);
  writer.tag(number, wireType.varint);
};
export const embedded = (encode: Encode): Field[2] => (writer, number, value) => {
  const start = writer.length;
  encode(writer, value);
  writer.embed(number, start);
};
export const repeated = (encode: Field[2]): Field[2] => (writer, number, value) => {
  for (const each of listOf(value).toReversed()) encode(writer, number, each);
};
/** A map is a list of (name, value) pairs. */
export const named = (encode: Encode): Field[2] => (writer, number, value) => {
  for (const [name, each] of entriesOf(value).toReversed()) {
    embedded((inner, pair) => {
      embedded(encode)(inner, 2, pair);
      text(inner, 1, name);
    })(writer, number, each);
  }
};

/** JSON is YAML, which is the form that gnostic keeps free values in. */
export const any: Encode = (writer, value) => text(writer, 2, JSON.stringify(value));

export const message = (fields: () => readonly Field[], extensions?: number): Encode => (writer, value) => {
  if (extensions !== undefined) named(any)(writer, extensions, Object.fromEntries(entriesOf(value).filter(([key]) => key.startsWith("x-"))));
  for (const [number, key, encode] of fields().toReversed()) {
    const field = (value as Json)[key];
    if (field !== undefined) encode(writer, number, field);
  }
};
