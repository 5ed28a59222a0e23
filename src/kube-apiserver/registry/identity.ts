import type { Random } from "../../stdx/random.ts";

export { generateName as generatedName } from "../../apimachinery/names.ts";
export { randomUuid as uuid } from "../../stdx/random.ts";
export type { Random };

let last = { second: -1, text: "" };

/** Times in objects have whole seconds, so that all that is made within one second has the same text. */
export function timestamp(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== last.second) last = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` };
  return last.text;
}
