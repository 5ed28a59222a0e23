import { conflict, StatusError } from "../../apimachinery/status-error.ts";
import type { KubeObject, ObjectMeta } from "../../apimachinery/object.ts";
import type { Resource } from "../../api/resource.ts";
import { foregroundFinalizer, orphanFinalizer } from "./metadata.ts";

/** `DeleteOptions` of meta/v1, as far as it decides anything. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  /** The old form of propagationPolicy. */
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

/** What a request to delete comes to. */
export type DeletionPlan =
  /** The key goes now. */
  | { readonly is: "remove" }
  /** The object stays for a while, marked: somebody else finishes the deletion. */
  | { readonly is: "mark"; readonly object: KubeObject }
  /** It is on its way already. */
  | { readonly is: "pending" };

const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** @throws {StatusError} Conflict when the object is not the one that was meant. */
export function checkPreconditions({ metadata }: KubeObject, options: DeleteOptions, resource: Pick<Resource, "type">): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  // Upstream names the kind here, where other conflicts name the resource.
  const named = { group: resource.type.group, resource: resource.type.kind };
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(named, metadata.name ?? "", `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ""}). The object might have been deleted and then recreated`);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(named, metadata.name ?? "", `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion ?? ""}). The object might have been modified`);
  }
}

/**
 * Graceful deletion, and finalizers, as described in https://kubernetes.io/docs/concepts/architecture/garbage-collection/ and
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination.
 */
export function planDeletion(object: KubeObject, options: DeleteOptions, resource: Pick<Resource, "gracePeriodSeconds" | "defaultGarbageCollection">, nowMs: number): DeletionPlan {
  const { metadata } = object;
  const requested = options.gracePeriodSeconds !== undefined && options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds;
  const finalizers = planFinalizers(metadata, options, resource.defaultGarbageCollection);
  const withFinalizers = (next: ObjectMeta): KubeObject => {
    const { finalizers: _, ...rest } = next;
    return { ...object, metadata: finalizers.length === 0 ? rest : { ...rest, finalizers } };
  };

  if (metadata.deletionTimestamp !== undefined) {
    const present = Math.max(metadata.deletionGracePeriodSeconds ?? 0, 0);
    if (present > 0) {
      if (requested === undefined || requested >= present) return { is: "pending" };
      const shortened = Date.parse(metadata.deletionTimestamp) - present * 1000 + requested * 1000;
      const [atMs, grace] = shortened < nowMs ? [nowMs, requested === 0 ? 0 : 1] : [shortened, requested];
      if (grace === 0 && finalizers.length === 0) return { is: "remove" };
      return { is: "mark", object: withFinalizers({ ...metadata, deletionTimestamp: time(atMs), deletionGracePeriodSeconds: grace }) };
    }
    if (finalizers.length === 0) return { is: "remove" };
    const later = Date.parse(metadata.deletionTimestamp) > nowMs;
    return { is: "mark", object: withFinalizers({ ...metadata, deletionGracePeriodSeconds: 0, ...(later && { deletionTimestamp: time(nowMs) }) }) };
  }

  const grace = Math.max(resource.gracePeriodSeconds(object, requested), 0);
  if (grace === 0 && finalizers.length === 0) return { is: "remove" };
  const generation = metadata.generation !== undefined && metadata.generation > 0 ? { generation: metadata.generation + 1 } : {};
  return { is: "mark", object: withFinalizers({ ...metadata, ...generation, deletionTimestamp: time(nowMs + grace * 1000), deletionGracePeriodSeconds: grace }) };
}

/** The finalizers that the garbage collector works for are added or taken away as the policy says. */
export function planFinalizers(metadata: ObjectMeta, options: DeleteOptions, fallback: Resource["defaultGarbageCollection"]): readonly string[] {
  const present = metadata.finalizers ?? [];
  const others = present.filter((finalizer) => finalizer !== orphanFinalizer && finalizer !== foregroundFinalizer);
  const policy =
    options.orphanDependents !== undefined ? (options.orphanDependents ? "Orphan" : "Background")
    : options.propagationPolicy !== undefined ? options.propagationPolicy
    : present.includes(orphanFinalizer) ? "Orphan"
    : present.includes(foregroundFinalizer) ? "Foreground"
    : fallback === "orphan" ? "Orphan" : "Background";
  const own = policy === "Orphan" ? [orphanFinalizer] : policy === "Foreground" ? [foregroundFinalizer] : [];
  const next = [...others, ...own];
  return next.length === present.length && next.every((each) => present.includes(each)) ? present : next;
}

/** An update that takes the last finalizer away from an object that waits for that, deletes it. */
export function endsWithUpdate(next: KubeObject, previous: KubeObject): boolean {
  if ((next.metadata.finalizers ?? []).length > 0 || previous.metadata.deletionTimestamp === undefined) return false;
  return (previous.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

/** @throws {StatusError} */
export function checkDeleteOptions(options: DeleteOptions): void {
  const policies = ["Foreground", "Background", "Orphan"];
  const invalidOptions = (message: string, field: string, reason: string) =>
    new StatusError("Invalid", `DeleteOptions.meta.k8s.io "" is invalid: ${field}: ${message}`, { details: { group: "meta.k8s.io", kind: "DeleteOptions", causes: [{ reason, message, field }] } });
  if (options.orphanDependents !== undefined && options.propagationPolicy !== undefined) {
    throw invalidOptions(`Invalid value: ${JSON.stringify(options.propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`, "propagationPolicy", "FieldValueInvalid");
  }
  if (options.propagationPolicy !== undefined && !policies.includes(options.propagationPolicy)) {
    throw invalidOptions(`Unsupported value: ${JSON.stringify(options.propagationPolicy)}: supported values: "Foreground", "Background", "Orphan", "nil"`, "propagationPolicy", "FieldValueNotSupported");
  }
  if ((options.dryRun ?? []).some((value) => value !== "All")) {
    throw invalidOptions(`Unsupported value: ${JSON.stringify(options.dryRun)}: supported values: "All"`, "dryRun", "FieldValueNotSupported");
  }
}
