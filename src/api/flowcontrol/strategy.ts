import { keepSpec, type WithStatus } from "../strategy.ts";
import { withField } from "../defaulting.ts";
import { duplicate, required, type FieldError } from "../../apimachinery/field-error.ts";
import type { UpdateStrategy } from "../resource.ts";

/** Here the status endpoint may touch no metadata at all, but who wrote what. */
export const statusWithOldMetadata = <T extends WithStatus>(validateUpdate: UpdateStrategy<T>["validateUpdate"]): UpdateStrategy<T> => ({
  prepareForUpdate: (next, previous) => ({
    ...keepSpec(next, previous),
    metadata: withField({ ...previous.metadata, ...(next.metadata.resourceVersion !== undefined && { resourceVersion: next.metadata.resourceVersion }) }, "managedFields", next.metadata.managedFields),
  }),
  validateUpdate,
});

export function validateConditionTypes(conditions: readonly { readonly type?: string }[] = []): readonly FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { type = "" }] of conditions.entries()) {
    if (seen.has(type)) errors.push(duplicate(`status.conditions[${index}].type`, type));
    seen.add(type);
    if (type === "") errors.push(required(`status.conditions[${index}].type`));
  }
  return errors;
}
