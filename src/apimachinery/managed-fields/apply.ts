import type { KubeObject } from "../object.ts";
import { jsonEqual } from "../patch/json-value.ts";
import { badRequest, StatusError } from "../status-error.ts";
import { formatTime } from "../time.ts";
import { conflictError, ConflictsError, conflictsWithout } from "./conflicts.ts";
import { addUpdate, identityOf, reconciledOwners, strippedFields, takeFromOthers, withManagedFields, type WriteOptions } from "./field-manager.ts";
import { difference } from "./field-set.ts";
import { lastAppliedFields, withLastApplied } from "./last-applied.ts";
import { decodeOwners, encodeOwners, ManagedFieldsError, ownerId, withSet, type FieldOwners } from "./managers.ts";
import { prune } from "./prune.ts";
import { TypedValueError } from "./typed-check.ts";
import { fieldSetOfTyped, mergeTyped } from "./typed-value.ts";
import { Versions } from "./versions.ts";

export interface ApplyOptions extends WriteOptions {
  /** As it was written: neither defaulted nor in canonical form. */
  readonly patch: KubeObject;
  /** Takes over what others own, instead of failing with a conflict. */
  readonly force: boolean;
}

export interface ApplyResult {
  /** With `metadata.managedFields`; neither defaulted nor validated nor in canonical form. */
  readonly object: KubeObject;
  /** False when the configuration changed no field of the object (its owners may still have changed). */
  readonly changed: boolean;
}

interface Applied { readonly object: KubeObject | undefined; readonly owners: FieldOwners }

const beforeFirstApply = "before-first-apply";

function decodeForApply(live: KubeObject | undefined): FieldOwners {
  try {
    return decodeOwners(live?.metadata.managedFields);
  } catch (error) {
    if (error instanceof ManagedFieldsError) throw new StatusError("", `failed to decode managed fields: ${error.message}`, { code: 500, cause: error });
    throw error;
  }
}

function applyOnce(options: ApplyOptions, versions: Versions, force: boolean): Applied {
  const { live, patch, apiVersion } = options;
  const shape = versions.shape();
  let owners = decodeForApply(live);
  // Who made an object whose fields nobody tracked is not known; what it holds is nobody's to take without asking.
  if (owners.size === 0 && live) owners = addUpdate(live, owners, versions, { ...options, live: undefined, manager: beforeFirstApply });
  owners = reconciledOwners(owners, versions);

  const base: unknown = live ? withManagedFields(live, undefined) : {};
  const identity = identityOf(options, "Apply");
  const id = ownerId(identity);
  const last = owners.get(id);
  const { set, merged } = inWords(() => ({ set: versions.filter(fieldSetOfTyped(patch, shape)), merged: mergeTyped(base, patch, shape) }), options);

  const claimed = new Map(owners).set(id, { ...identity, time: last?.time, set });
  const pruned = prune(merged, { owners: claimed, last, versions, at: apiVersion });
  const result = takeFromOthers(claimed, versions.comparisons(base, pruned), id, force);
  withSet(result, id, difference(set, strippedFields));
  const unchanged = live !== undefined && jsonEqual(base, pruned);
  const own = result.get(id);
  if (!unchanged && own) result.set(id, { ...own, time: formatTime(options.now) });
  return { object: unchanged ? undefined : (pruned as KubeObject), owners: result };
}

/** As Go prints a kind of a group and version: "apps/v1, Kind=Deployment", "/v1, Kind=Pod". */
export function kindText(apiVersion: string, kind: string): string {
  const slash = apiVersion.indexOf("/");
  return `${slash < 0 ? `/${apiVersion}` : apiVersion}, Kind=${kind}`;
}

/** Upstream answers 500 to what does not fit the schema, as if it were its own fault; it is the client's. */
function inWords<T>(act: () => T, { patch, apiVersion }: ApplyOptions): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof TypedValueError)) throw error;
    const { namespace = "", name = "" } = patch.metadata;
    throw new StatusError("", `failed to create typed patch object (${namespace}/${name}; ${kindText(apiVersion, patch.kind)}): ${error.message}`, { code: 400, cause: error });
  }
}

function applyWithTakeover(options: ApplyOptions): Applied {
  const versions = new Versions(options);
  try {
    return applyOnce(options, versions, options.force);
  } catch (error) {
    if (!(error instanceof ConflictsError)) throw error;
    const { live, manager, apiVersion } = options;
    const allowed = lastAppliedFields(live && withManagedFields(live, undefined), { manager, apiVersion, shape: versions.shape() });
    const remaining = conflictsWithout(error.conflicts, allowed);
    if (remaining.length > 0) throw conflictError(remaining);
    return applyOnce(options, versions, true);
  }
}

/**
 * Server-side apply: lays the configuration over the live object, removes what this manager no longer applies, and records who owns what.
 * Throws Conflict (with a `FieldManagerConflict` per field) when others own what it would change and it is not forced.
 */
export function applyPatch(options: ApplyOptions): ApplyResult {
  const { live, patch, apiVersion, manager } = options;
  if (patch.apiVersion !== apiVersion) throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${patch.apiVersion}, expected: ${apiVersion}`);
  if (patch.metadata.managedFields !== undefined && patch.metadata.managedFields !== null) throw badRequest("metadata.managedFields must be nil");
  const { object, owners } = applyWithTakeover(options);
  const result = withLastApplied(object ?? (live as KubeObject), patch, manager);
  return { object: withManagedFields(result, encodeOwners(owners)), changed: object !== undefined };
}
