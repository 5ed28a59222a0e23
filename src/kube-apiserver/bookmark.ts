import { apiVersionOf, type ObjectMeta, type ResourceType } from "../apimachinery/object.ts";
import type { Revision } from "../storage/store.ts";

/** Says how far the watch has come; the first one after the initial events is marked. */
export const bookmarkObject = (type: ResourceType, revision: Revision, initialEventsEnd: boolean): { readonly apiVersion: string; readonly kind: string; readonly metadata: ObjectMeta } => ({
  kind: type.kind, apiVersion: apiVersionOf(type),
  metadata: { resourceVersion: String(revision), ...(initialEventsEnd && { annotations: { "k8s.io/initial-events-end": "true" } }) },
});
