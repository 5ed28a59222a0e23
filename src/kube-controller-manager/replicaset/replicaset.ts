import { replicasets, type ReplicaSet } from "../../api/generated/apps-v1.ts";
import { pods, replicationcontrollers, type Pod, type ReplicationController } from "../../api/generated/core-v1.ts";
import { labelMatcherOf, matcherOfLabels, matchesLabels, nothing, type LabelMatcher } from "../../apimachinery/label-selector.ts";
import { controllerOf, keyOf, type ResourceType } from "../../apimachinery/object.ts";
import { cacheOf, watching, type Context, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { claim, indexOrphans } from "../shared/claim.ts";
import { createPod, deletePod, podFor } from "../shared/pod-control.ts";
import { isFinished } from "../shared/pods.ts";
import { allOf, slowStart } from "../shared/slow-start.ts";
import { compact } from "../shared/status.ts";
import { nextAvailableInMs, planPods, planStatus, type Replicated } from "./plan.ts";

interface Kind<T extends Replicated> {
  readonly name: string;
  readonly type: ResourceType<T>;
  readonly selectorOf: (object: T) => LabelMatcher;
  readonly countsTerminating: boolean;
}

export const replicaSetController = replicaController<ReplicaSet>({
  name: "replicaset-controller", type: replicasets, countsTerminating: true,
  selectorOf: ({ spec }) => labelMatcherOf(spec?.selector),
});

export const replicationController = replicaController<ReplicationController>({
  name: "replication-controller", type: replicationcontrollers, countsTerminating: false,
  selectorOf: ({ spec }) => (spec?.selector && Object.keys(spec.selector).length > 0 ? matcherOfLabels(spec.selector) : nothing),
});

/** Keeps `spec.replicas` pods alive for kinds whose template never changes meaning: what exists is left as it is. */
function replicaController<T extends Replicated>(kind: Kind<T>): Controller {
  const { type, selectorOf, countsTerminating } = kind;
  return {
    name: kind.name,
    resource: type,
    owns: [pods],
    watches: [watching(pods, ({ next }, context) => (next && !controllerOf(next) && next.metadata.deletionTimestamp === undefined ? selecting(next, context) : []))],

    prepare(context) {
      indexOrphans(context, pods);
    },

    async reconcile(key, context) {
      const { client, clock, signal } = context;
      const owner = cacheOf(context, type).get(key);
      if (!owner) return;
      await claim({ owner, ownerType: type, type: pods, selector: selectorOf(owner), eligible: (pod) => !isFinished(pod) }, context);

      const plan = planPods(owner, ownPods(owner, context), relatedPods(owner, context), clock.now());
      const failure = await act(owner, plan, context).then(() => undefined, (error: unknown) => error as Error);
      signal.throwIfAborted();

      const after = ownPods(owner, context);
      const nowMs = clock.now();
      const status = planStatus(owner, after, failure, nowMs, { countsTerminating });
      if (!equal(status, compact({ ...owner.status }, ["replicas", "terminatingReplicas"]))) {
        await client.updateStatus(type, { ...owner, status }, { signal });
      }
      if (failure) throw failure;
      return nextAvailableInMs(owner, after, nowMs);
    },
  };

  function ownPods(owner: T, context: Context): Pod[] {
    const selector = selectorOf(owner);
    return cacheOf(context, pods).controlledBy(owner.metadata.uid ?? "").filter(({ metadata }) => matchesLabels(selector, metadata.labels));
  }

  /** Pods of all sets with the same owner: a Deployment's old and new ones. */
  function relatedPods(owner: T, context: Context): Pod[] {
    const deployment = controllerOf(owner);
    const family = deployment ? cacheOf(context, type).controlledBy(deployment.uid) : [owner];
    return family.flatMap(({ metadata }) => cacheOf(context, pods).controlledBy(metadata.uid ?? ""));
  }

  function selecting(pod: Pod, context: Context): string[] {
    return cacheOf(context, type).inNamespace(pod.metadata.namespace ?? "").filter((object) => matchesLabels(selectorOf(object), pod.metadata.labels)).map(keyOf);
  }
}

async function act(owner: Replicated, { create, remove }: ReturnType<typeof planPods>, context: Context): Promise<void> {
  const pod = podFor(owner, owner.spec?.template ?? {});
  await slowStart(create, async () => void (await createPod(owner, pod, context)));
  await allOf(remove.map((each) => deletePod(owner, each, context)));
}
