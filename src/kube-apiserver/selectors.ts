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

type Selectable = Pick<Resource, "type" | "selectableFields">;
const nameOf = ({ metadata }: KubeObject): string => metadata.name ?? "";
const namespaceOf = ({ metadata }: KubeObject): string => metadata.namespace ?? "";
/** Kinds with fields of their own say which others they have: those without a namespace know none. */
const hasOwnFields = ({ selectableFields }: Selectable): boolean => Object.keys(selectableFields).length > 0;

function fieldReader(resource: Selectable, field: string): ((object: KubeObject) => string) | undefined {
  if (field === "metadata.name") return nameOf;
  if (field === "metadata.namespace") return resource.type.namespaced || !hasOwnFields(resource) ? namespaceOf : undefined;
  return Object.hasOwn(resource.selectableFields, field) ? resource.selectableFields[field] : undefined;
}

/** Upstream has a text of its own for a few kinds, one for those that have fields of their own, and one for all others. */
function unknownField(resource: Selectable, field: string): string {
  const { group, version, plural, kind } = resource.type;
  if (!hasOwnFields(resource)) return `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
  switch (`${group}/${plural}`) {
    case "batch/jobs": return `field label ${JSON.stringify(field)} not supported for Job`;
    case "resource.k8s.io/resourceslices": return `field label not supported for ${group}/${version}, Kind=${kind}: ${field}`;
    default: return `field label not supported: ${field}`;
  }
}

/** @throws {StatusError} BadRequest for a selector that cannot be read, or a field that this kind cannot be selected by. */
export function selection(resource: Selectable, labelSelector: string, fieldSelector: string): Selection {
  if (labelSelector === "" && fieldSelector === "") return everything;
  const labels = labelSelector === "" ? undefined : parseLabelSelector(labelSelector);
  const fields = fieldSelector === "" ? [] : parseFieldSelector(fieldSelector);
  const read = (field: string) => fieldReader(resource, field);
  for (const { field } of fields) if (!read(field)) throw badRequest(unknownField(resource, field));

  const [name, namespace, node] = [exactField(fields, "metadata.name"), exactField(fields, "metadata.namespace"), exactField(fields, "spec.nodeName")];
  return {
    ...(name !== undefined && { name }), ...(namespace !== undefined && { namespace }), ...(node !== undefined && { node }),
    matches: (object) =>
      (fields.length === 0 || matchesFields(fields, (field) => read(field)?.(object) ?? "")) && (labels === undefined || matchesLabels(labels, object.metadata.labels ?? {})),
  };
}
