import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from "../object.ts";
import { jsonEqual } from "../patch/json-value.ts";
import { formatTime } from "../time.ts";
import { ConflictsError, type Conflict } from "./conflicts.ts";
import { createdFields } from "./created-fields.ts";
import { difference, emptyFieldSet, fieldPath, fieldSetOf, intersection, isEmptySet, pathsOf, union, type FieldSet } from "./field-set.ts";
import { capOwners, decodeOwners, encodeOwners, ManagedFieldsError, ownerId, withSet, type FieldOwner, type FieldOwners } from "./managers.ts";
import type { Comparison } from "./typed-value.ts";
import { Versions, type VersionedOptions } from "./versions.ts";

/**
 * Tracks who owns which field of an object; `apply.ts` applies configurations with respect for it.
 * Source: "Server-Side Apply" of the documentation, KEP-555.
 */
export interface WriteOptions extends VersionedOptions {
  /** Absent when the object is being created. In the version of the request. */
  readonly live: KubeObject | undefined;
  /** The name of the field manager; "unknown" stands in for an empty one. */
  readonly manager: string;
  readonly subresource?: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface UpdateOptions extends WriteOptions {
  readonly next: KubeObject;
}

const current = "current-operation";

/** Fields that the server owns. */
export const strippedFields: FieldSet = fieldSetOf(
  fieldPath("apiVersion"), fieldPath("kind"), fieldPath("metadata"),
  ...["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"].map((name) => fieldPath("metadata", name)),
);

export function withManagedFields<T extends KubeObject>(object: T, entries: readonly ManagedFieldsEntry[] | undefined): T {
  if (object.metadata.managedFields === entries) return object;
  const { managedFields: _, ...metadata }: ObjectMeta = object.metadata;
  return { ...object, metadata: { ...metadata, ...(entries && { managedFields: entries }) } };
}

/** The owners whose versions are known, with their fields as today's schema names them. */
export function reconciledOwners(owners: FieldOwners, versions: Versions): FieldOwners {
  const result = new Map<string, FieldOwner>();
  for (const [id, owner] of owners) {
    if (!versions.knows(owner.apiVersion)) continue;
    const set = versions.reconciled(owner.set, owner.apiVersion);
    result.set(id, set === owner.set ? owner : { ...owner, set });
  }
  return result;
}

/** Takes from the other owners what this operation changes or removes; without force, a change of theirs is a conflict. */
export function takeFromOthers(owners: FieldOwners, comparisonIn: (apiVersion: string) => Comparison, id: string, force: boolean): Map<string, FieldOwner> {
  const result = new Map(owners);
  const conflicts: Conflict[] = [];
  for (const [otherId, owner] of owners) {
    if (otherId === id) continue;
    const { added, modified, removed } = comparisonIn(owner.apiVersion);
    const contested = intersection(owner.set, union(modified, added));
    if (!isEmptySet(contested)) conflicts.push({ owner, paths: pathsOf(contested) });
    withSet(result, otherId, difference(difference(owner.set, contested), removed));
  }
  if (!force && conflicts.length > 0) throw new ConflictsError(conflicts);
  return result;
}

const isReset = (entries: readonly ManagedFieldsEntry[] | undefined): boolean =>
  entries !== undefined && (entries.length === 0 || (entries.length === 1 && Object.keys(entries[0] ?? {}).length === 0));

function decodeOrEmpty(entries: readonly ManagedFieldsEntry[] | undefined): FieldOwners {
  try {
    return decodeOwners(entries);
  } catch (error) {
    if (error instanceof ManagedFieldsError) return new Map();
    throw error;
  }
}

/** The entries that an update starts from: those of the request (clients may send back what they read, or reset it), else those of the live object. */
function entriesBeforeUpdate({ live, next, subresource = "" }: UpdateOptions): readonly ManagedFieldsEntry[] | undefined {
  const [stored, sent] = [live?.metadata.managedFields, next.metadata.managedFields];
  if (sent === stored || subresource !== "") return stored;
  if (isReset(sent)) return undefined;
  // Most clients send back what they read; the stored entries are already decoded.
  if (jsonEqual(sent, stored)) return stored;
  const owners = decodeOrEmpty(sent);
  return owners.size === 0 ? stored : sent;
}

/** Whether only what nobody owns differs; told without decoding anything. */
function sameForOwners(live: KubeObject, next: KubeObject): boolean {
  for (const key of new Set([...Object.keys(live), ...Object.keys(next)])) {
    if (key === "metadata" || key === "apiVersion" || key === "kind") continue;
    if (!jsonEqual((live as unknown as Record<string, unknown>)[key], (next as unknown as Record<string, unknown>)[key])) return false;
  }
  const [a, b] = [live.metadata as Readonly<Record<string, unknown>>, next.metadata as Readonly<Record<string, unknown>>];
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (!strippedFields.children.get("f:metadata")?.members.has(`f:${key}`) && !jsonEqual(a[key], b[key])) return false;
  }
  return true;
}

/** The common case of an object that is made: nobody else owns anything yet. */
function firstOwner(next: KubeObject, versions: Versions, options: WriteOptions): FieldOwners {
  const set = createdFields(withManagedFields(next, undefined), versions.shape(), strippedFields, versions.filter);
  if (isEmptySet(set)) return new Map();
  const owner: FieldOwner = { ...identityOf(options, "Update"), time: formatTime(options.now), set };
  return new Map([[ownerId(owner), owner]]);
}

export const identityOf = <Operation extends FieldOwner["operation"]>({ manager, apiVersion, subresource = "" }: WriteOptions, operation: Operation) =>
  ({ manager: manager === "" ? "unknown" : manager, operation, apiVersion, subresource });

/** The owners after an operation that made `next` of `live`. */
export function addUpdate(next: KubeObject, owners: FieldOwners, versions: Versions, options: WriteOptions): FieldOwners {
  const { live, apiVersion, now } = options;
  if (!live && owners.size === 0) return firstOwner(next, versions, options);
  const before: unknown = live ? withManagedFields(live, undefined) : {};
  const comparisonIn = versions.comparisons(before, withManagedFields(next, undefined));
  const result = takeFromOthers(reconciledOwners(owners, versions), comparisonIn, current, true);
  const { added, modified } = comparisonIn(apiVersion);
  const set = difference(union(modified, added), strippedFields);
  if (!isEmptySet(set)) {
    const owner = identityOf(options, "Update");
    const id = ownerId(owner);
    result.set(id, { ...owner, time: formatTime(now), set: union(set, result.get(id)?.set ?? emptyFieldSet) });
  }
  return capOwners(result);
}

/**
 * What `metadata.managedFields` becomes by a create, update or patch that is no apply: the manager owns what changed. Returns `next` with it;
 * it is the same object when there was nothing to do.
 */
export function recordUpdate<T extends KubeObject>(options: UpdateOptions & { readonly next: T }): T {
  const { live, next } = options;
  const entries = entriesBeforeUpdate(options);
  if (live && sameForOwners(live, next)) return withManagedFields(next, entries && entries.length > 0 ? entries : undefined);
  const owners = decodeOrEmpty(entries);
  // An object that was made before its fields were tracked is left untracked until somebody applies.
  if (owners.size === 0 && live?.metadata.uid !== undefined && live.metadata.uid !== "") return withManagedFields(next, undefined);
  const result = addUpdate(next, owners, new Versions(options), options);
  return withManagedFields(next, encodeOwners(result));
}
