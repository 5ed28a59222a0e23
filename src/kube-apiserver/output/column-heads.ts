import type { Column } from "../../api/resource.ts";
import { columnDescription } from "../../api/printing/column-descriptions.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import type { SchemaLookup } from "../../apimachinery/schema.ts";
import { noDescriptions, type Descriptions } from "../openapi/definitions.ts";

/** The `columnDefinitions` of a table of this kind, as JSON. */
export type ColumnHeads = (type: Pick<ResourceType, "group" | "plural">, columns: readonly Column<KubeObject>[]) => string;

/** What documents a column, where it is documented at all: its field, or what the field refers to. */
function describe(type: Parameters<ColumnHeads>[0], column: Column<KubeObject>, schemas: SchemaLookup, descriptions: Descriptions): string {
  if (column.description !== undefined) return column.description;
  const source = columnDescription(type, column.name);
  if (source === undefined) return "";
  if (source.is === "text") return source.text;
  const own = descriptions.field(source.type, source.field);
  if (own !== undefined) return own;
  const field = schemas.type(source.type)?.fields[source.field]?.type;
  return (field?.is === "ref" ? descriptions.type(field.name) : undefined) ?? "";
}

/** Made once per kind, when somebody first asks for a table of it: descriptions are read from a file. */
export function columnHeads({ schemas, descriptions = noDescriptions }: { readonly schemas: SchemaLookup; readonly descriptions?: Descriptions }): ColumnHeads {
  const made = new Map<string, { readonly columns: readonly Column<KubeObject>[]; readonly text: string }>();
  return (type, columns) => {
    const key = `${type.group}/${type.plural}`;
    const known = made.get(key);
    if (known?.columns === columns) return known.text;
    const text = JSON.stringify(columns.map((column) => ({
      name: column.name, type: column.type, format: column.format ?? "", description: describe(type, column, schemas, descriptions), priority: column.priority,
    })));
    made.set(key, { columns, text });
    return text;
  };
}
