import { applyPatch, recordUpdate, resetFieldsOf } from "../apimachinery/managed-fields/field-manager.ts";
import type { FieldSet } from "../apimachinery/managed-fields/field-set.ts";
import { splitApiVersion, type KubeObject, type ResourceType } from "../apimachinery/object.ts";
import type { SchemaLookup } from "../apimachinery/schema.ts";

/** Who wrote what, and how. */
export interface FieldWrite {
  readonly type: ResourceType;
  readonly subresource: string;
  readonly manager: string;
  readonly nowMs: number;
}

/** Keeps `metadata.managedFields`, and answers server-side apply from it. */
export interface ManagedFieldsKeeper {
  /** `next` with its managedFields brought up to date after a create, an update or a patch. */
  update(next: KubeObject, live: KubeObject | undefined, write: FieldWrite): KubeObject;
  /** `live` with the applied configuration merged in. @throws {StatusError} Conflict, with one cause per field that others own. */
  apply(configuration: KubeObject, live: KubeObject | undefined, write: FieldWrite & { readonly force: boolean }): KubeObject;
}

const statusReset = resetFieldsOf("status");
const specReset = resetFieldsOf("spec");

/** What this way of writing cannot change, nobody comes to own by it. */
function resetBy({ type, subresource }: FieldWrite): FieldSet | undefined {
  if (!("status" in type.subresources)) return undefined;
  return subresource === "status" ? specReset : subresource === "" ? statusReset : undefined;
}

export function managedFieldsOf(schemas: SchemaLookup): ManagedFieldsKeeper {
  const common = (object: KubeObject, live: KubeObject | undefined, write: FieldWrite) => {
    const { group, version } = splitApiVersion(object.apiVersion);
    const resetFields = resetBy(write);
    return {
      live, manager: write.manager, apiVersion: object.apiVersion, schema: schemas.kind(group, version, object.kind), schemas, now: write.nowMs,
      ...(write.subresource !== "" && { subresource: write.subresource }), ...(resetFields && { resetFields }),
    };
  };
  return {
    update: (next, live, write) => recordUpdate({ ...common(next, live, write), next }),
    apply: (patch, live, write) => applyPatch({ ...common(patch, live, write), patch, force: write.force }).object,
  };
}
