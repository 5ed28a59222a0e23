import type { KubeObject, ListMeta, ObjectMeta } from "./object.ts";

/** meta.k8s.io/v1: how the server prints objects for clients that ask for `application/json;as=Table`. */
export interface TableColumnDefinition {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format: string;
  readonly description: string;
  /** 0 is always shown, larger numbers only in wide output. */
  readonly priority: number;
}

export interface TableRowCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface TableRow {
  readonly cells: readonly unknown[];
  readonly conditions?: readonly TableRowCondition[];
  /** The object, its metadata, or nothing, as `includeObject` asks. */
  readonly object?: unknown;
}

export interface Table {
  readonly kind: "Table";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: ListMeta;
  readonly columnDefinitions: readonly TableColumnDefinition[];
  readonly rows: readonly TableRow[];
}

export interface PartialObjectMetadata extends KubeObject {
  readonly kind: "PartialObjectMetadata";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: ObjectMeta;
}

/** An object without everything but its metadata, as `as=PartialObjectMetadata` asks. */
export const partialObjectMetadata = ({ metadata }: { readonly metadata: ObjectMeta }): PartialObjectMetadata => ({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata });
