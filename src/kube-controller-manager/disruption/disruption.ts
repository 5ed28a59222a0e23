import { deployments, replicasets, statefulsets } from "../../api/generated/apps-v1.ts";
import { pods, replicationcontrollers, type Pod } from "../../api/generated/core-v1.ts";
import { poddisruptionbudgets } from "../../api/generated/policy-v1.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { controllerOf, keyOf, type KubeObject, type ResourceType } from "../../apimachinery/object.ts";
import { cacheOf, ownerKeys, watching, type Context, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { planBudget } from "./plan.ts";

type Scaled = KubeObject & { readonly spec?: { readonly replicas?: number } };
const scaledTypes: readonly ResourceType<Scaled>[] = [replicasets, replicationcontrollers, statefulsets];

/** Says how many pods of each budget may be evicted now. The eviction subresource takes from that number. */
export const disruptionController: Controller = {
  name: "controllermanager",
  resource: poddisruptionbudgets,
  watches: [
    watching(pods, ({ previous, next }, context) => budgetsOf([previous, next].filter((pod) => pod !== undefined), context)),
    ...[...scaledTypes, deployments].map((type) => watching<Scaled>(type, ({ previous, next }, context) => {
      const changed = next ?? previous;
      if (!changed || (previous && next && previous.spec?.replicas === next.spec?.replicas)) return [];
      return cacheOf(context, poddisruptionbudgets).inNamespace(changed.metadata.namespace ?? "").map(keyOf);
    })),
  ],

  async reconcile(key, context) {
    const { client, clock, events, signal } = context;
    const budget = cacheOf(context, poddisruptionbudgets).get(key);
    if (!budget) return;
    const matcher = labelMatcherOf(budget.spec?.selector);
    const selected = cacheOf(context, pods).inNamespace(budget.metadata.namespace ?? "").filter(({ metadata }) => matchesLabels(matcher, metadata.labels));
    if (selected.length === 0) events.event(budget, "Normal", "NoPods", "No matching pods found");
    const { scale, unmanaged } = scaleOf(selected, context);
    const countsScale = budget.spec?.maxUnavailable !== undefined || typeof budget.spec?.minAvailable === "string";
    if (countsScale && unmanaged) {
      events.event(budget, "Warning", "UnmanagedPods", `Pods selected by this PodDisruptionBudget (selector: ${JSON.stringify(budget.spec?.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`);
    }
    const { status, againMs, notDeleted } = planBudget(budget, selected, scale, clock.now());
    for (const pod of notDeleted) events.event(pod, "Warning", "NotDeleted", `Pod was expected by PDB ${key} to be deleted but it wasn't`);
    if (!equal(status, budget.status ?? {})) await client.updateStatus(poddisruptionbudgets, { ...budget, status }, { signal });
    return againMs;
  },
};

function budgetsOf(changed: readonly Pod[], context: Context): string[] {
  return cacheOf(context, poddisruptionbudgets).inNamespace(changed[0]?.metadata.namespace ?? "")
    .filter(({ spec }) => changed.some((pod) => matchesLabels(labelMatcherOf(spec?.selector), pod.metadata.labels))).map(keyOf);
}

/** What the owners of these pods want altogether, each owner once; a Deployment stands for all of its sets. */
function scaleOf(selected: readonly Pod[], context: Context): { readonly scale: number; readonly unmanaged: boolean } {
  const owners = new Map<string, number>();
  let unmanaged = false;
  for (const pod of selected) {
    const owner = ownerOf(pod, context);
    if (owner) owners.set(owner.metadata.uid ?? "", owner.spec?.replicas ?? 1);
    else unmanaged = true;
  }
  return { scale: owners.values().reduce((total, replicas) => total + replicas, 0), unmanaged };
}

function ownerOf(pod: Pod, context: Context): Scaled | undefined {
  for (const type of scaledTypes) {
    const [key] = ownerKeys(type, pod);
    const owner = key === undefined ? undefined : cacheOf(context, type).get(key);
    if (!owner || owner.metadata.uid !== controllerOf(pod)?.uid) continue;
    const [deployment] = ownerKeys(deployments, owner);
    return (deployment === undefined ? undefined : cacheOf(context, deployments).get(deployment)) ?? owner;
  }
  return undefined;
}
