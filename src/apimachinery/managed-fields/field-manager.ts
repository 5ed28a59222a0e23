import { parseJson } from "../json.ts";
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from "../object.ts";
import { jsonEqual } from "../patch/json-value.ts";
import type { ObjectSchema, SchemaLookup } from "../schema.ts";
import { badRequest, StatusError } from "../status-error.ts";
import { formatTime } from "../time.ts";
import { createdFields } from "./created-fields.ts";
import { difference, differenceWithChildren, emptyFieldSet, fieldPath, fieldSetOf, intersection, isEmptySet, hasPath, pathsOf, pathText, union, type FieldPath, type FieldSet } from "./field-set.ts";
import { capOwners, decodeOwners, encodeOwners, ManagedFieldsError, ownerId, withSet, type FieldOwner, type FieldOwners } from "./managers.ts";
import { Shapes, unknownShape, type Shape } from "./shape.ts";
import { compareTyped, fieldSetOfLive, fieldSetOfTyped, mergeTyped, removePaths, TypedValueError, withNamedFields, type Comparison } from "./typed-value.ts";

/**
 * Tracks who owns which field of an object, and applies configurations with respect for it.
 * Source: "Server-Side Apply" of the documentation, KEP-555.
 */
interface CommonOptions {
  /** Absent when the object is being created. */
  readonly live: KubeObject | undefined;
  /** The name of the field manager; "unknown" stands in for an empty one. */
  readonly manager: string;
  /** The version that the request speaks: "apps/v1". */
  readonly apiVersion: string;
  /** Undefined for kinds without a schema: their maps are merged, their lists replaced. */
  readonly schema: ObjectSchema | undefined;
  readonly schemas: SchemaLookup;
  readonly subresource?: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Fields that the strategy resets whatever the request says (status on the main resource, spec on status): nobody gets to own them. */
  readonly resetFields?: FieldSet;
}

export interface UpdateOptions extends CommonOptions {
  readonly next: KubeObject;
}

export interface ApplyOptions extends CommonOptions {
  readonly patch: KubeObject;
  /** Takes over what others own, instead of failing with a conflict. */
  readonly force: boolean;
}

export interface ApplyResult {
  /** With `metadata.managedFields`; neither defaulted nor validated. */
  readonly object: KubeObject;
  /** False when the configuration changed no field of the object (its owners may still have changed). */
  readonly changed: boolean;
}

const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
/** kubectl's name in server-side apply; it may take over what the last client-side apply said. */
const kubectlManager = "kubectl";
const beforeFirstApply = "before-first-apply";
const current = "current-operation";

/** Fields that the server owns. */
const strippedFields = fieldSetOf(
  fieldPath("apiVersion"), fieldPath("kind"), fieldPath("metadata"),
  ...["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"].map((name) => fieldPath("metadata", name)),
);

/** "status" or "metadata.deletionTimestamp" and so on as the set that `resetFields` wants. */
export const resetFieldsOf = (...paths: readonly string[]): FieldSet => fieldSetOf(...paths.map((path) => fieldPath(...path.split("."))));

function withManagedFields<T extends KubeObject>(object: T, entries: readonly ManagedFieldsEntry[] | undefined): T {
  if (object.metadata.managedFields === entries) return object;
  const { managedFields: _, ...metadata }: ObjectMeta = object.metadata;
  return { ...object, metadata: { ...metadata, ...(entries && { managedFields: entries }) } };
}

const shapeOf = ({ schema, schemas }: CommonOptions): Shape => (schema ? Shapes.of(schemas).object(schema) : unknownShape);

function filtered(comparison: Comparison, resetFields: FieldSet | undefined): Comparison {
  if (!resetFields) return comparison;
  return {
    added: differenceWithChildren(comparison.added, resetFields), modified: differenceWithChildren(comparison.modified, resetFields),
    removed: differenceWithChildren(comparison.removed, resetFields),
  };
}

interface Conflict { readonly owner: FieldOwner; readonly paths: readonly FieldPath[] }

class ConflictsError extends Error {
  readonly conflicts: readonly Conflict[];
  constructor(conflicts: readonly Conflict[]) {
    super("conflicts");
    this.conflicts = conflicts;
  }
}

/** Takes from the other owners what this operation changes or removes; without force, a change of theirs is a conflict. */
function takeFromOthers(owners: FieldOwners, comparison: Comparison, id: string, force: boolean): Map<string, FieldOwner> {
  const result = new Map(owners);
  const changed = union(comparison.modified, comparison.added);
  const conflicts: Conflict[] = [];
  for (const [otherId, owner] of owners) {
    if (otherId === id) continue;
    const contested = intersection(owner.set, changed);
    if (!isEmptySet(contested)) conflicts.push({ owner, paths: pathsOf(contested) });
    withSet(result, otherId, difference(difference(owner.set, contested), comparison.removed));
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
function firstOwner(next: KubeObject, options: CommonOptions, manager: string): FieldOwners {
  const set = createdFields(withManagedFields(next, undefined), shapeOf(options), strippedFields, options.resetFields);
  if (isEmptySet(set)) return new Map();
  const owner: FieldOwner = { manager: manager === "" ? "unknown" : manager, operation: "Update", apiVersion: options.apiVersion, subresource: options.subresource ?? "", time: formatTime(options.now), set };
  return new Map([[ownerId(owner), owner]]);
}

function addUpdate(live: KubeObject | undefined, next: KubeObject, owners: FieldOwners, options: CommonOptions, manager: string): FieldOwners {
  if (!live && owners.size === 0) return firstOwner(next, options, manager);
  const shape = shapeOf(options);
  const before: unknown = live ? withManagedFields(live, undefined) : {};
  const comparison = filtered(compareTyped(before, withManagedFields(next, undefined), shape), options.resetFields);
  const result = takeFromOthers(owners, comparison, current, true);
  const set = difference(union(comparison.modified, comparison.added), strippedFields);
  if (isEmptySet(set)) return capOwners(result);
  const owner = { manager: manager === "" ? "unknown" : manager, operation: "Update" as const, apiVersion: options.apiVersion, subresource: options.subresource ?? "" };
  const id = ownerId(owner);
  result.set(id, { ...owner, time: formatTime(options.now), set: union(set, result.get(id)?.set ?? emptyFieldSet) });
  return capOwners(result);
}

/**
 * What `metadata.managedFields` becomes by a create, update or patch that is no apply: the manager owns what changed. Returns `next` with it;
 * it is the same object when there was nothing to do.
 */
export function recordUpdate<T extends KubeObject>(options: UpdateOptions & { readonly next: T }): T {
  const { live, next, manager } = options;
  const entries = entriesBeforeUpdate(options);
  if (live && sameForOwners(live, next)) return withManagedFields(next, entries && entries.length > 0 ? entries : undefined);
  const owners = decodeOrEmpty(entries);
  // An object that was made before its fields were tracked is left untracked until somebody applies.
  if (owners.size === 0 && live?.metadata.uid !== undefined && live.metadata.uid !== "") return withManagedFields(next, undefined);
  const result = addUpdate(live, next, owners, options, manager);
  return withManagedFields(next, encodeOwners(result));
}

interface Applied { readonly object: KubeObject | undefined; readonly owners: FieldOwners }

function decodeForApply(live: KubeObject | undefined): FieldOwners {
  try {
    return decodeOwners(live?.metadata.managedFields);
  } catch (error) {
    if (error instanceof ManagedFieldsError) throw new StatusError("", `failed to decode managed fields: ${error.message}`, { code: 500, cause: error });
    throw error;
  }
}

function applyOnce(options: ApplyOptions, force: boolean): Applied {
  const { live, patch, manager, apiVersion, subresource = "", resetFields } = options;
  const shape = shapeOf(options);
  let owners = decodeForApply(live);
  if (owners.size === 0 && live) owners = addUpdate(undefined, live, owners, { ...options, live: undefined }, beforeFirstApply);

  const base = live ? withManagedFields(live, undefined) : ({} as KubeObject);
  const identity = { manager: manager === "" ? "unknown" : manager, operation: "Apply" as const, apiVersion, subresource };
  const id = ownerId(identity);
  const last = owners.get(id);
  const config = inWords(() => {
    const set = fieldSetOfTyped(patch, shape);
    return { set: resetFields ? differenceWithChildren(set, resetFields) : set, merged: mergeTyped(base, patch, shape) };
  }, options);

  const claimed = new Map(owners);
  claimed.set(id, { ...identity, time: last?.time, set: config.set });
  const pruned = prune(config.merged, claimed, last, shape);
  const comparison = filtered(compareTyped(base, pruned, shape), resetFields);
  const result = takeFromOthers(claimed, comparison, id, force);
  withSet(result, id, difference(config.set, strippedFields));
  const unchanged = live !== undefined && jsonEqual(base, pruned);
  const own = result.get(id);
  if (!unchanged && own) result.set(id, { ...own, time: formatTime(options.now) });
  return { object: unchanged ? undefined : (pruned as KubeObject), owners: result };
}

/** Fields that the manager applied last time, not this time, and that nobody else owns, go. */
function prune(merged: unknown, owners: FieldOwners, last: FieldOwner | undefined, shape: Shape): unknown {
  if (!last || isEmptySet(last.set)) return merged;
  const lastSet = withNamedFields(last.set, shape);
  let pruned = removePaths(merged, lastSet, shape);
  const mergedSet = withNamedFields(fieldSetOfLive(merged, shape), shape);

  let managed = emptyFieldSet;
  for (const owner of owners.values()) managed = union(managed, owner.set);
  const kept = union(withNamedFields(fieldSetOfLive(pruned, shape), shape), withNamedFields(managed, shape));
  pruned = removePaths(merged, difference(mergedSet, kept), shape);

  // What went only because something around it went, and was not applied last time, comes back.
  const left = withNamedFields(fieldSetOfLive(pruned, shape), shape);
  return removePaths(merged, intersection(difference(mergedSet, left), lastSet), shape);
}

function describe({ patch, apiVersion }: ApplyOptions): string {
  const { namespace = "", name = "" } = patch.metadata;
  const slash = apiVersion.indexOf("/");
  return `${namespace}/${name}; ${slash < 0 ? `/${apiVersion}` : apiVersion}, Kind=${patch.kind}`;
}

function inWords<T>(act: () => T, options: ApplyOptions): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof TypedValueError)) throw error;
    throw new StatusError("", `failed to create typed patch object (${describe(options)}): ${error.message}`, { code: 400, cause: error });
  }
}

function managerText({ manager, operation, apiVersion, subresource }: FieldOwner): string {
  const name = `${JSON.stringify(manager)}${subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}

function conflictError(conflicts: readonly Conflict[]): StatusError {
  const ordered = conflicts.toSorted((a, b) => (ownerId(a.owner) < ownerId(b.owner) ? -1 : 1));
  const all = ordered.flatMap(({ owner, paths }) => paths.map((path) => ({ owner, path })));
  const [only] = all;
  const message = all.length === 1 && only
    ? `Apply failed with 1 conflict: conflict with ${managerText(only.owner)}: ${pathText(only.path)}`
    : `Apply failed with ${all.length} conflicts: ${ordered.map(({ owner, paths }) => [`conflicts with ${managerText(owner)}:`, ...paths.map((path) => `- ${pathText(path)}`)].join("\n")).join("\n")}`;
  return new StatusError("Conflict", message, {
    details: { causes: all.map(({ owner, path }) => ({ reason: "FieldManagerConflict", message: `conflict with ${managerText(owner)}`, field: pathText(path) })) },
  });
}

/** Fields that are as the last client-side apply left them: kubectl may take those over. */
function lastAppliedFields({ live, apiVersion, ...options }: ApplyOptions): FieldSet {
  const text = live?.metadata.annotations?.[lastAppliedAnnotation];
  if (live === undefined || text === undefined || text === "") return emptyFieldSet;
  const shape = shapeOf({ ...options, live, apiVersion });
  try {
    const last = parseJson(text) as { readonly apiVersion?: unknown };
    if (last.apiVersion !== apiVersion) return emptyFieldSet;
    const { added, modified, removed } = compareTyped(last, withManagedFields(live, undefined), shape);
    return difference(difference(difference(fieldSetOfTyped(last, shape), modified), added), removed);
  } catch {
    // An annotation that somebody broke allows nothing; the conflicts stand.
    return emptyFieldSet;
  }
}

function applyWithTakeover(options: ApplyOptions): Applied {
  try {
    return applyOnce(options, options.force);
  } catch (error) {
    if (!(error instanceof ConflictsError)) throw error;
    const allowed = options.manager === kubectlManager ? lastAppliedFields(options) : emptyFieldSet;
    const remaining = error.conflicts.map(({ owner, paths }) => ({ owner, paths: paths.filter((path) => !hasPath(allowed, path)) })).filter(({ paths }) => paths.length > 0);
    if (remaining.length > 0) throw conflictError(remaining);
    return applyOnce(options, true);
  }
}

/** kubectl keeps the annotation of client-side apply true where there is one, so that one may go back. */
function withLastApplied(object: KubeObject, { manager, patch }: ApplyOptions): KubeObject {
  const annotations = object.metadata.annotations;
  if (manager !== kubectlManager || (annotations?.[lastAppliedAnnotation] ?? "") === "") return object;
  const { [lastAppliedAnnotation]: _, ...others } = patch.metadata.annotations ?? {};
  const { managedFields: __, annotations: ___, ...metadata }: ObjectMeta = patch.metadata;
  const config = { ...patch, metadata: { ...metadata, ...(Object.keys(others).length > 0 && { annotations: others }) } };
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [lastAppliedAnnotation]: `${JSON.stringify(config)}\n` } } };
}

/**
 * Server-side apply: lays the configuration over the live object, removes what this manager no longer applies, and records who owns what.
 * Throws Conflict (with a `FieldManagerConflict` per field) when others own what it would change and it is not forced.
 */
export function applyPatch(options: ApplyOptions): ApplyResult {
  const { live, patch, apiVersion } = options;
  if (patch.apiVersion !== apiVersion) throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${patch.apiVersion}, expected: ${apiVersion}`);
  if (patch.metadata.managedFields !== undefined && patch.metadata.managedFields !== null) throw badRequest("metadata.managedFields must be nil");
  const { object, owners } = applyWithTakeover(options);
  const result = withLastApplied(object ?? (live as KubeObject), options);
  return { object: withManagedFields(result, encodeOwners(owners)), changed: object !== undefined };
}
