import { exactField, matchesFields, parseFieldSelector } from "../apimachinery/field-selector.ts";
import { matchesLabels, parseLabelSelector } from "../apimachinery/label-selector.ts";
import type { KubeObject } from "../apimachinery/object.ts";
import { badRequest } from "../apimachinery/status-error.ts";
import type { Resource } from "../api/resource.ts";

/** Which objects a list or a watch is about. */
export interface Selection {
  matches(object: KubeObject): boolean;
  /** Undefined when all names will do. */
  readonly name?: string;
  readonly namespace?: string;
  readonly node?: string;
}

export const everything: Selection = { matches: () => true };

const metadataFields: Readonly<Record<string, (object: KubeObject) => string>> = {
  "metadata.name": ({ metadata }) => metadata.name ?? "",
  "metadata.namespace": ({ metadata }) => metadata.namespace ?? "",
};

/** @throws {StatusError} BadRequest for a selector that cannot be read, or a field that this kind cannot be selected by. */
export function selection(resource: Pick<Resource, "type" | "selectableFields">, labelSelector: string, fieldSelector: string): Selection {
  if (labelSelector === "" && fieldSelector === "") return everything;
  const labels = labelSelector === "" ? undefined : parseLabelSelector(labelSelector);
  const fields = fieldSelector === "" ? [] : parseFieldSelector(fieldSelector);
  const read = (field: string) => metadataFields[field] ?? (Object.hasOwn(resource.selectableFields, field) ? resource.selectableFields[field] : undefined);
  for (const { field } of fields) if (!read(field)) throw badRequest(`field label not supported: ${field}`);

  const [name, namespace, node] = [exactField(fields, "metadata.name"), exactField(fields, "metadata.namespace"), exactField(fields, "spec.nodeName")];
  return {
    ...(name !== undefined && { name }), ...(namespace !== undefined && { namespace }), ...(node !== undefined && { node }),
    matches: (object) =>
      (fields.length === 0 || matchesFields(fields, (field) => read(field)?.(object) ?? "")) && (labels === undefined || matchesLabels(labels, object.metadata.labels ?? {})),
  };
}
