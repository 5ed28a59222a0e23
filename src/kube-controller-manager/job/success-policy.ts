import type { Job } from "../../api/generated/batch-v1.ts";
import { parseIndexes } from "./indexes.ts";

/** What the first rule of the Job's successPolicy says that is met by the indexes that have succeeded (KEP-3998); undefined while none is. */
export function metSuccessPolicy({ spec }: Job, done: ReadonlySet<number>): string | undefined {
  if (done.size === 0) return undefined;
  for (const [at, { succeededIndexes, succeededCount }] of (spec?.successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, spec?.completions ?? 0);
    // Indexes that cannot be read, or that the Job no longer has, are no rule.
    if (wanted?.size === 0) continue;
    const met = wanted ? [...wanted].filter((index) => done.has(index)).length : done.size;
    if (met === wanted?.size || (succeededCount !== undefined && met >= succeededCount)) return `Matched rules at index ${at}`;
  }
  return undefined;
}
