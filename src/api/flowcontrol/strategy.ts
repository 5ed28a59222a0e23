import { keepSpec, type WithStatus } from "../strategy.ts";
import { withField } from "../defaulting.ts";
import type { UpdateStrategy } from "../resource.ts";

/** Here the status endpoint may touch no metadata at all, but who wrote what. */
export const statusWithOldMetadata = <T extends WithStatus>(): UpdateStrategy<T> => ({
  prepareForUpdate: (next, previous) => ({
    ...keepSpec(next, previous),
    metadata: withField({ ...previous.metadata, ...(next.metadata.resourceVersion !== undefined && { resourceVersion: next.metadata.resourceVersion }) }, "managedFields", next.metadata.managedFields),
  }),
  validateUpdate: () => [],
});
