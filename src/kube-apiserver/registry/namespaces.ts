import type { Namespace } from "../../api/generated/core-v1.ts";
import { planFinalizers, type DeleteOptions, type DeletionPlan } from "./deletion.ts";
import { timestamp } from "./identity.ts";
import type { RegistryHooks } from "./registry.ts";

/** A namespace is emptied by its controller before it goes: until then it is Terminating. */
export const namespaceHooks: RegistryHooks = {
  planDeletion: (object, options, nowMs) => planNamespaceDeletion(object as Namespace, options, nowMs),
  holdsDeletion: (next) => ((next as Namespace).spec?.finalizers ?? []).length > 0,
};

export function planNamespaceDeletion(namespace: Namespace, options: DeleteOptions, nowMs: number): DeletionPlan | undefined {
  const { metadata, spec, status } = namespace;
  if (metadata.deletionTimestamp !== undefined) {
    if ((spec?.finalizers ?? []).length > 0) return { is: "pending" };
    return undefined;
  }
  const finalizers = planFinalizers(metadata, options, "background");
  const { finalizers: _, ...rest } = metadata;
  const marked: Namespace = {
    ...namespace,
    metadata: { ...rest, ...(finalizers.length > 0 && { finalizers }), deletionTimestamp: timestamp(nowMs) },
    status: { ...status, phase: "Terminating" },
  };
  return { is: "mark", object: marked };
}
