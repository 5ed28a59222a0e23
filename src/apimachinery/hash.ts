import { safeEncode } from "./names.ts";

const encoder = new TextEncoder();

/** FNV-1a, 32 bits. */
export function fnv32a(data: string | Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of typeof data === "string" ? encoder.encode(data) : data) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** JSON with sorted keys and without what is undefined: equal values give equal text. */
export function stableJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(stableJson).join(",")}]`;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${stableJson(each)}`).join(",")}}`;
}

/**
 * What `pod-template-hash` and `controller-revision-hash` carry. Upstream hashes a dump of Go structures, so the values differ from
 * upstream's; what counts is that equal templates have equal hashes. `collisions` is counted up when a hash is taken.
 */
export function templateHash(template: unknown, collisions?: number): string {
  return safeEncode(fnv32a(stableJson(template) + (collisions === undefined ? "" : `#${collisions}`)).toString());
}
