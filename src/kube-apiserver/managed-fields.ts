import { applyPatch } from "../apimachinery/managed-fields/apply.ts";
import { filterOf, type TrackedFields } from "../apimachinery/managed-fields/field-filter.ts";
import { recordUpdate } from "../apimachinery/managed-fields/field-manager.ts";
import type { VersionView } from "../apimachinery/managed-fields/versions.ts";
import { splitApiVersion, type KubeObject } from "../apimachinery/object.ts";
import type { SchemaLookup } from "../apimachinery/schema.ts";
import { objectAs, storedFrom, type Served } from "./served.ts";

/** Who wrote what, and how. */
export interface FieldWrite {
  readonly served: Pick<Served, "type" | "resource" | "registry" | "conversion">;
  readonly subresource: string;
  readonly manager: string;
  readonly nowMs: number;
}

/** Keeps `metadata.managedFields`, and answers server-side apply from it. */
export interface ManagedFieldsKeeper {
  /** `next` with its managedFields brought up to date after a create, an update or a patch; both objects are in their stored version. */
  update(next: KubeObject, live: KubeObject | undefined, write: FieldWrite): KubeObject;
  /** `live` with the applied configuration merged in, both in the version that is served. @throws {StatusError} Conflict, with one cause per field that others own. */
  apply(configuration: KubeObject, live: KubeObject | undefined, write: FieldWrite & { readonly force: boolean }): KubeObject;
}

const statusReset = { without: ["status"] } satisfies TrackedFields;
const specReset = { without: ["spec"] } satisfies TrackedFields;

/** What this way of writing cannot change, nobody comes to own by it. Kinds for which that is something else than the other half of the object say so themselves. */
function trackedBy({ served: { type, resource }, subresource }: FieldWrite): TrackedFields | undefined {
  const own = subresource === "" ? resource.tracked : Object.hasOwn(resource.subresources, subresource) ? resource.subresources[subresource]?.tracked : undefined;
  if (own || !("status" in type.subresources)) return own;
  return subresource === "status" ? specReset : subresource === "" ? statusReset : undefined;
}

const same = (object: KubeObject): KubeObject => object;

/** `servedIn` finds a resource in another version of its API. */
export function managedFieldsOf(schemas: SchemaLookup, servedIn: (group: string, version: string, plural: string) => Served | undefined): ManagedFieldsKeeper {
  const schemaOf = (apiVersion: string, kind: string) => {
    const { group, version } = splitApiVersion(apiVersion);
    return schemas.kind(group, version, kind);
  };
  /** Versions that are known but not served hold the same fields as far as anybody here can tell. */
  const otherVersion = ({ served }: FieldWrite, kind: string) => (apiVersion: string): VersionView | undefined => {
    const { group, version } = splitApiVersion(apiVersion);
    const other = servedIn(group, version, served.type.plural);
    const schema = schemaOf(apiVersion, kind);
    if (other?.registry === served.registry) return { schema, from: (object) => objectAs(other, storedFrom(served, object)), to: (object) => objectAs(served, storedFrom(other, object)) };
    return schema && { schema, from: same, to: same };
  };
  const common = ({ apiVersion, kind }: KubeObject, live: KubeObject | undefined, write: FieldWrite) => {
    const tracked = trackedBy(write);
    return {
      live, manager: write.manager, apiVersion, schema: schemaOf(apiVersion, kind), schemas, now: write.nowMs, otherVersion: otherVersion(write, kind),
      ...(write.subresource !== "" && { subresource: write.subresource }), ...(tracked && { tracked: filterOf(tracked) }),
    };
  };
  const update = (next: KubeObject, live: KubeObject | undefined, write: FieldWrite) => recordUpdate({ ...common(next, live, write), next });
  return {
    update(next, live, write) {
      const { served } = write;
      if (!served.conversion) return update(next, live, write);
      // Owners are told the version in which they wrote, so the fields are those of that version; only the entries go into what is stored.
      const { managedFields } = update(objectAs(served, next), live && objectAs(served, live), write).metadata;
      const { managedFields: _, ...metadata } = next.metadata;
      return { ...next, metadata: { ...metadata, ...(managedFields && { managedFields }) } };
    },
    apply: (patch, live, write) => applyPatch({ ...common(patch, live, write), patch, force: write.force }).object,
  };
}
