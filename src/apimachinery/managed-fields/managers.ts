import type { ManagedFieldsEntry } from "../object.ts";
import { decodeFieldSet, encodeFieldSet, equalSets, isEmptySet, union, type FieldSet } from "./field-set.ts";

/** Who owns which fields, by which operation. */
export interface FieldOwner {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly set: FieldSet;
}

/** By `ownerId`. */
export type FieldOwners = ReadonlyMap<string, FieldOwner>;

/** No more owners by Update than this; the oldest are put together under one name. */
const updateOwnersMax = 10;
const ancientManager = "ancient-changes";

/** Owners by Apply are the same whatever version they applied with. */
export const ownerId = ({ manager, operation, apiVersion, subresource }: Pick<FieldOwner, "manager" | "operation" | "apiVersion" | "subresource">): string =>
  JSON.stringify([manager, operation, operation === "Apply" ? "" : apiVersion, subresource]);

export class ManagedFieldsError extends Error {
  override readonly name = "ManagedFieldsError";
}

/** Throws `ManagedFieldsError` for entries that cannot be understood. */
export function decodeOwners(entries: readonly ManagedFieldsEntry[] | undefined): FieldOwners {
  const owners = new Map<string, FieldOwner>();
  for (const [index, entry] of (entries ?? []).entries()) {
    const { manager = "", operation, apiVersion = "", subresource = "", time, fieldsType = "", fieldsV1 } = entry;
    if (operation !== "Apply" && operation !== "Update") throw new ManagedFieldsError("operation must be `Apply` or `Update`");
    if (apiVersion === "") throw new ManagedFieldsError("apiVersion must not be empty");
    if (fieldsType === "") throw new ManagedFieldsError(`missing fieldsType in managed fields entry ${index}`);
    if (fieldsType !== "FieldsV1") throw new ManagedFieldsError(`invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${index}`);
    let set: FieldSet;
    try {
      set = decodeFieldSet(fieldsV1);
    } catch (error) {
      throw new ManagedFieldsError(`error decoding set: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    const owner: FieldOwner = { manager, operation, apiVersion, subresource, time, set };
    owners.set(ownerId(owner), owner);
  }
  return owners;
}

const seconds = (time: string | undefined): number => (time === undefined ? 0 : Math.floor(Date.parse(time) / 1000) || 0);
const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const inOrder = (a: FieldOwner, b: FieldOwner): number =>
  text(a.operation, b.operation) || seconds(a.time) - seconds(b.time) || text(a.manager, b.manager) || text(a.apiVersion, b.apiVersion) || text(a.subresource, b.subresource);

/** The form of `metadata.managedFields`; undefined for no owners at all. */
export function encodeOwners(owners: FieldOwners): readonly ManagedFieldsEntry[] | undefined {
  if (owners.size === 0) return undefined;
  return [...owners.values()].toSorted(inOrder).map(({ manager, operation, apiVersion, subresource, time, set }) => ({
    ...(manager !== "" && { manager }), operation, apiVersion, ...(time !== undefined && { time }), fieldsType: "FieldsV1", fieldsV1: encodeFieldSet(set),
    ...(subresource !== "" && { subresource }),
  }));
}

/** Puts the oldest owners by Update together until there are no more than allowed; those of the same version share one entry. */
export function capOwners(owners: FieldOwners): FieldOwners {
  const updaters = [...owners].filter(([, { operation }]) => operation === "Update").toSorted(([idA, a], [idB, b]) => seconds(a.time) - seconds(b.time) || text(idA, idB));
  if (updaters.length <= updateOwnersMax) return owners;
  const result = new Map(owners);
  const firstOfVersion = new Map<string, string>();
  let count = updaters.length;
  for (const [id, owner] of updaters) {
    if (count <= updateOwnersMax) break;
    const bucket: FieldOwner = { ...owner, manager: ancientManager, subresource: "" };
    const bucketId = ownerId(bucket);
    const first = firstOfVersion.get(owner.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(owner.apiVersion, id);
      continue;
    }
    let collected = result.get(bucketId);
    if (!collected) {
      collected = result.get(first);
      result.delete(first);
    }
    result.delete(id);
    result.set(bucketId, { ...bucket, set: collected ? union(owner.set, collected.set) : owner.set });
    count--;
  }
  return result;
}

/** With another set; an owner of nothing is left out. */
export function withSet(owners: Map<string, FieldOwner>, id: string, set: FieldSet): void {
  const owner = owners.get(id);
  if (!owner || owner.set === set || equalSets(owner.set, set)) return;
  if (isEmptySet(set)) owners.delete(id);
  else owners.set(id, { ...owner, set });
}
