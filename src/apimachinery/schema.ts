/**
 * The shape of the API's types at run time. The generator writes them (`api/generated/`); strict decoding, the protobuf codec, OpenAPI,
 * strategic merge and server-side apply all read them. Names of types are OpenAPI's: "io.k8s.api.core.v1.Pod".
 */
export type ScalarType = "string" | "integer" | "number" | "boolean";

export type SpecialType = "Quantity" | "IntOrString" | "Time" | "MicroTime" | "Duration" | "RawExtension" | "FieldsV1" | "JSON";

export type TypeSchema =
  | { readonly is: "scalar"; readonly type: ScalarType; readonly format?: string }
  /** Types with an encoding of their own, named without their path. */
  | { readonly is: "special"; readonly type: SpecialType; /** OpenAPI's name; several definitions are "JSON". */ readonly name: string }
  | { readonly is: "ref"; readonly name: string }
  | { readonly is: "list"; readonly of: TypeSchema }
  | { readonly is: "map"; readonly of: TypeSchema };

export interface FieldSchema {
  readonly type: TypeSchema;
  readonly required?: boolean;
  /** The OpenAPI v3 default. */
  readonly default?: unknown;
  readonly listType?: "atomic" | "set" | "map";
  readonly listMapKeys?: readonly string[];
  readonly mapType?: "atomic" | "granular";
  /** As in x-kubernetes-patch-strategy: "merge", "replace", "retainKeys", "merge,retainKeys". */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** Field number of the protobuf form. */
  readonly protobuf?: number;
  /** Numbers of the embedded messages that hold the field in protobuf, outermost first, where JSON inlines them (Volume.emptyDir lies in Volume.volumeSource). */
  readonly protobufIn?: readonly number[];
  /** Absent and zero are two things; other scalars that are not required are left out of JSON when they are "", 0 or false. */
  readonly pointer?: boolean;
  /** A scalar whose default is zero is written also when it is zero, but for this one. */
  readonly omitted?: boolean;
  /** A list that is a message of its own in protobuf, with the items as its only field (`APIResource.verbs`). */
  readonly wrapped?: boolean;
  /** Stands in JSON as `null` when it is not set: a time, or a list. */
  readonly writtenAsNull?: boolean;
}

export interface ObjectSchema {
  readonly name: string;
  readonly fields: Readonly<Record<string, FieldSchema>>;
  /** x-kubernetes-map-type: atomic on the type itself (ObjectReference, LabelSelector, …). */
  readonly atomic?: boolean;
  /** A kind whose objects do not say what they are (WatchEvent). */
  readonly nameless?: boolean;
}

/** Whether a scalar of zero is not written at all: absent and zero are one, and nothing says that it is written always. */
export const omitsZero = ({ type, required, pointer, omitted, default: byDefault }: FieldSchema): boolean =>
  type.is === "scalar" && required !== true && pointer !== true && (omitted === true || !isZeroScalar(byDefault));
export const isZeroScalar = (value: unknown): boolean => value === "" || value === 0 || value === false;

/** Looks types up; `api/schemas.ts` implements it over the generated facts. */
export interface SchemaLookup {
  type(name: string): ObjectSchema | undefined;
  /** The type of a kind; `group` is "" for core. */
  kind(group: string, version: string, kind: string): ObjectSchema | undefined;
}
