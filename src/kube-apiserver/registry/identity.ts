import type { Random } from "../../stdx/random.ts";

export { generateName as generatedName } from "../../apimachinery/names.ts";
export { randomUuid as uuid } from "../../stdx/random.ts";
export type { Random };

/** Times in objects have whole seconds. */
export const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
