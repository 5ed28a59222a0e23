import { controllerrevisions, statefulsets, type ControllerRevision, type StatefulSet } from "../../api/generated/apps-v1.ts";
import { persistentvolumeclaims, pods, type PersistentVolumeClaim, type Pod } from "../../api/generated/core-v1.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { isAlreadyExists, isNotFound } from "../../apimachinery/status-error.ts";
import { cacheOf, type Context, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { claim, indexOrphans } from "../shared/claim.ts";
import { cleanUpRevisions, ensureRevision, revisionsOf } from "../shared/history.ts";
import { isNamespaceTerminating } from "../shared/pod-control.ts";
import { availableInMs } from "../shared/pods.ts";
import { allOf } from "../shared/slow-start.ts";
import { compact } from "../shared/status.ts";
import { ordinalOf, planPods, planStatus, revisionNameOf, type StatefulPlan } from "./plan.ts";

/** Keeps pods with a name, an order and volumes of their own. */
export const statefulSetController: Controller = {
  name: "statefulset-controller",
  resource: statefulsets,
  owns: [pods],
  reads: [controllerrevisions, persistentvolumeclaims],

  prepare(context) {
    indexOrphans(context, pods);
  },

  async reconcile(key, context) {
    const { client, clock, signal } = context;
    const set = cacheOf(context, statefulsets).get(key);
    if (!set?.spec) return;
    const { template, selector, revisionHistoryLimit = 10, minReadySeconds = 0 } = set.spec;
    await claim({ owner: set, ownerType: statefulsets, type: pods, selector: labelMatcherOf(selector), eligible: (pod) => ordinalOf(set, pod) >= 0 }, context);
    if (set.metadata.deletionTimestamp !== undefined) return;
    const update = await ensureRevision(set, template, context);
    const current = revisionsOf(set, context).find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;

    const failure = await act(set, planPods(set, ownPods(set, context), { current, update }, clock.now()), context).then(() => undefined, (error: unknown) => error as Error);
    signal.throwIfAborted();
    const after = ownPods(set, context);
    const status = planStatus(set, after, { current, update }, clock.now());
    if (!equal(status, compact({ ...set.status, replicas: set.status?.replicas ?? 0 }, ["replicas", "availableReplicas", "collisionCount"]))) await client.updateStatus(statefulsets, { ...set, status }, { signal });
    await cleanUp(set, update, current, after, revisionHistoryLimit, context);
    if (failure) throw failure;
    const waits = after.map((pod) => availableInMs(pod, minReadySeconds, clock.now()) ?? 0).filter((ms) => ms > 0);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  },
};

function ownPods(set: StatefulSet, context: Context): Pod[] {
  const matcher = labelMatcherOf(set.spec?.selector);
  return cacheOf(context, pods).controlledBy(set.metadata.uid ?? "").filter((pod) => ordinalOf(set, pod) >= 0 && matchesLabels(matcher, pod.metadata.labels));
}

function cleanUp(set: StatefulSet, update: ControllerRevision, current: ControllerRevision, own: readonly Pod[], keepMax: number, context: Context): Promise<void> {
  const used = new Set([current.metadata.name, ...own.map(revisionNameOf)]);
  return cleanUpRevisions(set, { current: update, isUsed: ({ metadata }) => used.has(metadata.name), keepMax }, context);
}

async function act(set: StatefulSet, { create, remove }: StatefulPlan, context: Context): Promise<void> {
  await allOf(remove.map(({ pod, failed }) => removePod(set, pod, failed, context)));
  await allOf(create.map(async ({ pod, claims }) => {
    for (const each of claims) await ensureClaim(set, pod, each, context);
    await makePod(set, pod, context);
  }));
}

async function ensureClaim(set: StatefulSet, pod: Pod, volumeClaim: PersistentVolumeClaim, context: Context): Promise<void> {
  const { client, events, signal } = context;
  const { name = "", namespace = "" } = volumeClaim.metadata;
  if (cacheOf(context, persistentvolumeclaims).get(`${namespace}/${name}`)) return;
  try {
    await client.create(persistentvolumeclaims, volumeClaim, { signal });
    events.event(set, "Normal", "SuccessfulCreate", `create Claim ${name} Pod ${pod.metadata.name ?? ""} in StatefulSet ${set.metadata.name ?? ""} success`);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

async function makePod(set: StatefulSet, pod: Pod, { client, events, tracer, signal }: Context): Promise<void> {
  const what = `create Pod ${pod.metadata.name ?? ""} in StatefulSet ${set.metadata.name ?? ""}`;
  try {
    const created = await client.create(pods, pod, { signal });
    tracer.mark(created.metadata.uid ?? "", "created pod", { owner: `StatefulSet/${set.metadata.name ?? ""}` });
    events.event(set, "Normal", "SuccessfulCreate", `${what} successful`);
  } catch (error) {
    if (isNamespaceTerminating(error)) return;
    if (!signal.aborted) events.event(set, "Warning", "FailedCreate", `${what} failed error: ${(error as Error).message}`);
    throw error;
  }
}

async function removePod(set: StatefulSet, pod: Pod, failed: boolean, { client, events, tracer, signal }: Context): Promise<void> {
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  const what = `delete Pod ${name} in StatefulSet ${set.metadata.name ?? ""}`;
  if (failed) events.event(set, "Warning", "RecreatingFailedPod", `StatefulSet ${namespace}/${set.metadata.name ?? ""} is recreating failed Pod ${name}`);
  try {
    await client.delete(pods, { name, namespace }, { preconditions: { uid }, signal });
    tracer.mark(uid, "deleted pod", { owner: `StatefulSet/${set.metadata.name ?? ""}` });
    events.event(set, "Normal", "SuccessfulDelete", `${what} successful`);
  } catch (error) {
    if (isNotFound(error)) return;
    if (!signal.aborted) events.event(set, "Warning", "FailedDelete", `${what} failed error: ${(error as Error).message}`);
    throw error;
  }
}
