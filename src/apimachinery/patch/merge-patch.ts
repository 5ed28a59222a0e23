import { isJsonObject, jsonEqual, type JsonObject } from "./json-value.ts";

/** RFC 7386: objects are merged, null removes, everything else replaces. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result: Record<string, unknown> = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = isJsonObject(value) ? applyMergePatch(result[key], value) : value;
  }
  return result;
}

/** The patch that makes `modified` of `original`; empty when they are equal. */
export function createMergePatch(original: JsonObject, modified: JsonObject): JsonObject {
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(modified)) {
    const before = Object.hasOwn(original, key) ? original[key] : undefined;
    if (before === undefined) patch[key] = value;
    else if (isJsonObject(before) && isJsonObject(value)) {
      const inner = createMergePatch(before, value);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (!jsonEqual(before, value)) patch[key] = value;
  }
  for (const key of Object.keys(original)) if (!Object.hasOwn(modified, key)) patch[key] = null;
  return patch;
}

/** Only the additions and changes of a patch (nothing that removes), or only what removes. */
function keepNulls(patch: JsonObject, nulls: boolean): JsonObject {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      if (nulls) kept[key] = null;
    } else if (isJsonObject(value)) {
      const inner = keepNulls(value, nulls);
      if (Object.keys(inner).length > 0 || (!nulls && Object.keys(value).length === 0)) kept[key] = inner;
    } else if (!nulls) kept[key] = value;
  }
  return kept;
}

function joinPatches(a: JsonObject, b: JsonObject): JsonObject {
  const joined: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = joined[key];
    joined[key] = isJsonObject(before) && isJsonObject(value) ? joinPatches(before, value) : value;
  }
  return joined;
}

/**
 * What kubectl apply sends for kinds without a known schema: additions and changes between the live object and the manifest, and
 * removal of what the last applied manifest had and this one has not.
 */
export function createThreeWayMergePatch(lastApplied: JsonObject, modified: JsonObject, live: JsonObject): JsonObject {
  return joinPatches(keepNulls(createMergePatch(lastApplied, modified), true), keepNulls(createMergePatch(live, modified), false));
}
