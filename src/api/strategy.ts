import { equal } from "../stdx/equal.ts";
import type { KubeObject, ObjectMeta } from "../apimachinery/object.ts";
import type { FieldError } from "../apimachinery/field-error.ts";
import { withField, without } from "./defaulting.ts";
import type { UpdateStrategy } from "./resource.ts";

/** Objects with the usual two halves: what is wanted, and what is. */
export interface WithStatus extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** The main way of writing: what the client says about status is put back to what it was. */
export const keepStatus = <T extends WithStatus>(next: T, previous: T): T => withField(next, "status", previous.status as T["status"]);

/** The way of writing under /status: everything else of the body is put back, metadata is the client's as far as the registry lets it. */
export const keepSpec = <T extends WithStatus>(next: T, previous: T): T => withField(next, "spec", previous.spec as T["spec"]);

export const withoutStatus = <T extends WithStatus>(object: T): T => without(object, "status");

/** Metadata that some kinds put back when only the status is written (upstream's ResetObjectMetaForStatus). */
export function keepMetadataForStatus<T extends KubeObject>(next: T, previous: T): T {
  const kept = ["deletionTimestamp", "generation", "selfLink", "labels", "annotations", "finalizers", "ownerReferences"] as const;
  let metadata: ObjectMeta = next.metadata;
  for (const key of kept) metadata = withField(metadata, key, previous.metadata[key]);
  return metadata === next.metadata ? next : { ...next, metadata };
}

/** `status` as most kinds have it. */
export function statusStrategy<T extends WithStatus>(
  options: { readonly resetMetadata?: boolean; readonly validateUpdate?: (next: T, previous: T) => Iterable<FieldError> } = {},
): UpdateStrategy<T> {
  return {
    prepareForUpdate: (next, previous) => {
      const kept = keepSpec(next, previous);
      return options.resetMetadata === true ? keepMetadataForStatus(kept, previous) : kept;
    },
    validateUpdate: options.validateUpdate ?? (() => []),
    ...(options.resetMetadata === true && { tracked: { without: ["metadata", "spec"] } }),
  };
}

/**
 * Whether two values are the same to Kubernetes: an absent list or map is an empty one, and null is absent. An empty object inside of an
 * object still differs from an absent one when it stands for a choice (`emptyDir: {}`).
 */
export const semanticallyEqual = (a: unknown, b: unknown): boolean => equal(normalized(a), normalized(b));

function normalized(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(normalized);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, normalized(each)] as const).filter(([, each]) => each !== undefined));
}
