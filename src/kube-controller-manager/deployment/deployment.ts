import { deployments, replicasets, type Deployment, type DeploymentStatus, type ReplicaSet } from "../../api/generated/apps-v1.ts";
import { pods } from "../../api/generated/core-v1.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { controllerOf, keyOf } from "../../apimachinery/object.ts";
import { isAlreadyExists, isNotFound } from "../../apimachinery/status-error.ts";
import { cacheOf, ownerKeys, watching, type Context, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { claim, indexOrphans } from "../shared/claim.ts";
import { isNamespaceTerminating } from "../shared/pod-control.ts";
import { revisionAnnotation, revisionOf } from "./annotations.ts";
import { planDeployment, sameTemplate, splitSets } from "./plan.ts";
import { compactStatus, nextProgressCheckInMs, planStatus, type StatusInput } from "./status.ts";

/** Brings ReplicaSets from the old template to the new one, within the limits of surge and unavailability. */
export const deploymentController: Controller = {
  name: "deployment-controller",
  resource: deployments,
  owns: [replicasets],
  watches: [
    watching(replicasets, ({ next }, context) => (next && !controllerOf(next) && next.metadata.deletionTimestamp === undefined ? selecting(next, context) : [])),
    // A Recreate rollout waits for the last old pod to go.
    watching(pods, ({ previous, next }, context) => {
      const gone = previous && (!next || next.status?.phase !== previous.status?.phase) ? previous : undefined;
      return ownerKeys(replicasets, gone).flatMap((key) => {
        const owner = ownerKeys(deployments, cacheOf(context, replicasets).get(key));
        return owner.filter((each) => cacheOf(context, deployments).get(each)?.spec?.strategy?.type === "Recreate");
      });
    }),
  ],

  prepare(context) {
    indexOrphans(context, replicasets);
  },

  async reconcile(key, context) {
    const { clock } = context;
    const deployment = cacheOf(context, deployments).get(key);
    if (!deployment) return;
    const selector = deployment.spec?.selector ?? {};
    if (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0) {
      context.events.event(deployment, "Warning", "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.");
      return writeStatus(deployment, { ...deployment.status, observedGeneration: deployment.metadata.generation ?? 0 }, context);
    }

    const sets = await claim({ owner: deployment, ownerType: deployments, type: replicasets, selector: labelMatcherOf(selector) }, context);
    const plan = planDeployment(deployment, sets, ({ metadata }) => cacheOf(context, pods).controlledBy(metadata.uid ?? ""));
    const made = plan.create ? await createSet(deployment, plan.create, context) : {};
    for (const { next, scaled } of plan.update) {
      await context.client.update(replicasets, next, { signal: context.signal });
      if (scaled) context.events.event(deployment, "Normal", "ScalingReplicaSet", `Scaled ${scaled.from < scaled.to ? "up" : "down"} replica set ${next.metadata.name ?? ""} from ${scaled.from} to ${scaled.to}`);
    }
    for (const set of plan.remove) await removeSet(set, context);

    const { newSet, old } = splitSets(deployment, currentSets(deployment, context));
    const marked = newSet ? withRevision(deployment, newSet) : deployment;
    const collided = made.collided ? { ...marked, status: { ...marked.status, collisionCount: (marked.status?.collisionCount ?? 0) + 1 } } : marked;
    const { created, failure } = made;
    const input: StatusInput = {
      deployment: collided, newSet, old, nowMs: clock.now(), judgesProgress: plan.judgesProgress,
      ...(created && { created: created.metadata.name ?? "" }), ...(failure && { createFailure: failureText(plan.create, failure) }),
    };
    const status = planStatus(input);
    await writeStatus(marked, status, context, deployment);
    if (failure) throw failure;
    return nextProgressCheckInMs(deployment, status, clock.now());
  },
};

function currentSets(deployment: Deployment, context: Context): ReplicaSet[] {
  const selector = labelMatcherOf(deployment.spec?.selector);
  return cacheOf(context, replicasets).controlledBy(deployment.metadata.uid ?? "").filter(({ metadata }) => matchesLabels(selector, metadata.labels));
}

interface Made { readonly created?: ReplicaSet; readonly failure?: Error; readonly collided?: boolean }
const failureText = (set: ReplicaSet | undefined, failure: Error): string => `Failed to create new replica set ${JSON.stringify(set?.metadata.name)}: ${failure.message}`;

/** The name comes from the template, so that trying again cannot make two. A name that is taken by another template counts up the collisions. */
async function createSet(deployment: Deployment, set: ReplicaSet, { client, events, tracer, signal }: Context): Promise<Made> {
  try {
    const created = await client.create(replicasets, set, { signal });
    tracer.mark(created.metadata.uid ?? "", "created replica set", { deployment: deployment.metadata.name ?? "" });
    const size = created.spec?.replicas ?? 0;
    if (size > 0) events.event(deployment, "Normal", "ScalingReplicaSet", `Scaled up replica set ${created.metadata.name ?? ""} from 0 to ${size}`);
    return { created };
  } catch (error) {
    signal.throwIfAborted();
    if (isNamespaceTerminating(error)) return {};
    if (isAlreadyExists(error)) {
      const { name = "", namespace = "" } = set.metadata;
      const there = await client.get(replicasets, { name, namespace }, { signal });
      const isOurs = controllerOf(there)?.uid === deployment.metadata.uid && sameTemplate(there.spec?.template, deployment.spec?.template);
      return isOurs ? {} : { collided: true };
    }
    events.event(deployment, "Warning", "ReplicaSetCreateError", failureText(set, error as Error));
    return { failure: error as Error };
  }
}

async function removeSet({ metadata: { name = "", namespace = "", uid = "" } }: ReplicaSet, { client, signal }: Context): Promise<void> {
  try {
    await client.delete(replicasets, { name, namespace }, { signal, preconditions: { uid } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** `kubectl rollout history` reads the present revision here; it is written together with the status. */
function withRevision(deployment: Deployment, newSet: ReplicaSet): Deployment {
  return { ...deployment, metadata: { ...deployment.metadata, annotations: { ...deployment.metadata.annotations, [revisionAnnotation]: String(revisionOf(newSet)) } } };
}

async function writeStatus(deployment: Deployment, status: DeploymentStatus, { client, signal }: Context, before: Deployment = deployment): Promise<void> {
  if (equal(status, compactStatus(before.status)) && equal(deployment.metadata.annotations, before.metadata.annotations)) return;
  await client.updateStatus(deployments, { ...deployment, status }, { signal });
}

function selecting(set: ReplicaSet, context: Context): string[] {
  return cacheOf(context, deployments).inNamespace(set.metadata.namespace ?? "").filter(({ spec }) => matchesLabels(labelMatcherOf(spec?.selector), set.metadata.labels)).map(keyOf);
}
