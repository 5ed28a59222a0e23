import type { Namespace, NamespaceCondition } from "../../api/generated/core-v1.ts";
import { formatTime } from "../../apimachinery/time.ts";

/** What was found in a namespace that is going away, after everything in it was asked to go. */
export interface Content {
  readonly remaining: readonly { readonly resource: string; readonly group: string; readonly count: number }[];
  readonly finalizers: ReadonlyMap<string, number>;
  readonly errors: readonly string[];
}

const fine: readonly (readonly [type: string, reason: string, message: string])[] = [
  ["NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"],
  ["NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"],
  ["NamespaceDeletionContentFailure", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"],
  ["NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"],
  ["NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"],
];

/** The conditions of a namespace after one round of deleting. The same list when nothing changed. */
export function planConditions(namespace: Namespace, content: Content, nowMs: number): readonly NamespaceCondition[] {
  const troubles = troublesOf(content);
  const before = namespace.status?.conditions ?? [];
  let changed = false;
  const next = new Map(before.map((condition) => [condition.type, condition]));
  for (const [type, okReason, okMessage] of fine) {
    const trouble = troubles.get(type);
    const [status, reason, message] = trouble ? (["True", ...trouble] as const) : (["False", okReason, okMessage] as const);
    const known = next.get(type);
    if (known && known.status === status && known.reason === reason && known.message === message) continue;
    next.set(type, { type, status, reason, message, lastTransitionTime: formatTime(nowMs) });
    changed = true;
  }
  return changed ? [...next.values()] : before;
}

function troublesOf({ remaining, finalizers, errors }: Content): ReadonlyMap<string, readonly [reason: string, message: string]> {
  const troubles = new Map<string, readonly [string, string]>();
  if (errors.length > 0) {
    troubles.set("NamespaceDeletionContentFailure", ["ContentDeletionFailed", `Failed to delete all resource types, ${errors.length} remaining: ${errors.toSorted().join(", ")}`]);
  }
  const counts = remaining.filter(({ count }) => count > 0).map(({ resource, group, count }) => `${resource}.${group} has ${count} resource instances`);
  if (counts.length > 0) troubles.set("NamespaceContentRemaining", ["SomeResourcesRemain", `Some resources are remaining: ${counts.toSorted().join(", ")}`]);
  const kept = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`);
  if (kept.length > 0) troubles.set("NamespaceFinalizersRemaining", ["SomeFinalizersRemain", `Some content in the namespace has finalizers remaining: ${kept.toSorted().join(", ")}`]);
  return troubles;
}
