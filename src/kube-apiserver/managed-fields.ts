import type { KubeObject, ResourceType } from "../apimachinery/object.ts";

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

/** For servers without server-side apply: what clients say about managed fields is dropped. */
export const noManagedFields: Pick<ManagedFieldsKeeper, "update"> = {
  update(next) {
    if (next.metadata.managedFields === undefined) return next;
    const { managedFields: _, ...metadata } = next.metadata;
    return { ...next, metadata };
  },
};
