import type { KubeObject } from "../../apimachinery/object.ts";
import type { Column, Resource } from "../../api/resource.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";

/** Columns of kinds that have none of their own, as upstream's default table has them. */
const defaultColumns: readonly Column<KubeObject>[] = [
  { name: "Name", type: "string", format: "name", priority: 0, cell: ({ metadata }) => metadata.name ?? "" },
  { name: "Created At", type: "date", priority: 0, cell: ({ metadata }) => metadata.creationTimestamp ?? null },
];

export const columnsOf = (resource: Pick<Resource, "columns">): readonly Column<KubeObject>[] => (resource.columns.length === 0 ? defaultColumns : resource.columns);

export type IncludeObject = "None" | "Metadata" | "Object";

/** One row, as JSON. What it carries besides its cells was made once per object; the cells hold ages, so they are made anew. */
export function rowJson(entry: CacheEntry, columns: readonly Column<KubeObject>[], include: IncludeObject, version: string, nowMs: number, keeps: boolean): Buffer {
  const cells = JSON.stringify(entry.cells((object) => columns.map((column) => column.cell(object, nowMs)), nowMs, keeps));
  const object = include === "Object" ? entry.json : include === "Metadata" ? partialMetadata(entry, version, keeps) : undefined;
  return object ? Buffer.concat([Buffer.from(`{"cells":${cells},"object":`), object, closing]) : Buffer.from(`{"cells":${cells},"object":null}`);
}
const closing = Buffer.from("}");

/** `definitions` is the JSON of the columns; a watch says them once. */
export const tableHead = (version: string, metadata: unknown, definitions: string | undefined): string =>
  `{"kind":"Table","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(metadata)},"columnDefinitions":${definitions ?? "null"},"rows":[`;

export const partialMetadata = (entry: CacheEntry, version: string, keeps: boolean): Buffer =>
  entry.bytes(`PartialObjectMetadata ${version}`, ({ metadata }) => Buffer.from(JSON.stringify({ kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata })), keeps);
