import { controllerrevisions, daemonsets, type DaemonSet } from "../../api/generated/apps-v1.ts";
import { nodes, pods, type Pod } from "../../api/generated/core-v1.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { keyOf } from "../../apimachinery/object.ts";
import { cacheOf, watching, type Context, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { claim, indexOrphans } from "../shared/claim.ts";
import { cleanUpRevisions, ensureRevision, hashOfRevision, revisionHashLabel } from "../shared/history.ts";
import { createPod, deletePod } from "../shared/pod-control.ts";
import { availableInMs } from "../shared/pods.ts";
import { allOf, slowStart } from "../shared/slow-start.ts";
import { compact } from "../shared/status.ts";
import { daemonFor, planDaemons } from "./plan.ts";

const burstMax = 250;
/** A daemon that fails again and again is started again after this, so that it does not keep the node busy. */
const failedDelayMs = 1_000;

/** Keeps one pod on each node that fits. */
export const daemonSetController: Controller = {
  name: "daemonset-controller",
  resource: daemonsets,
  owns: [pods],
  reads: [controllerrevisions],
  watches: [watching(nodes, ({ previous, next }, context) => {
    if (previous && next && equal(previous.metadata.labels, next.metadata.labels) && equal(previous.spec?.taints, next.spec?.taints)) return [];
    return cacheOf(context, daemonsets).list().map(keyOf);
  })],

  prepare(context) {
    indexOrphans(context, pods);
  },

  async reconcile(key, context) {
    const { clock, client, events, signal } = context;
    const set = cacheOf(context, daemonsets).get(key);
    if (!set?.spec) return;
    const { template, selector, revisionHistoryLimit = 10, minReadySeconds = 0 } = set.spec;
    await claim({ owner: set, ownerType: daemonsets, type: pods, selector: labelMatcherOf(selector) }, context);
    if (set.metadata.deletionTimestamp !== undefined) return;
    const current = await ensureRevision(set, template, context);
    const hash = hashOfRevision(current);
    const plan = () => planDaemons({ set, nodes: cacheOf(context, nodes).list(), pods: ownPods(set, context), hash, nowMs: clock.now() });

    const { create, remove, failed } = plan();
    for (const pod of failed) events.event(set, "Warning", "FailedDaemonPod", `Found failed daemon pod ${keyOf(pod)} on node ${pod.spec?.nodeName ?? ""}, will try to kill it`);
    const failure = await Promise.resolve().then(async () => {
      await allOf([...remove, ...failed].slice(0, burstMax).map((pod) => deletePod(set, pod, context)));
      await slowStart(Math.min(create.length, burstMax), async (index) => void (await createPod(set, daemonFor(set, create[index] ?? "", hash), context)));
    }).then(() => undefined, (error: unknown) => error as Error);
    signal.throwIfAborted();

    const { status } = plan();
    if (!equal(status, compact({ ...set.status }, ["currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"]))) await client.updateStatus(daemonsets, { ...set, status: status ?? {} }, { signal });
    const used = new Set(ownPods(set, context).map(({ metadata }) => metadata.labels?.[revisionHashLabel] ?? ""));
    await cleanUpRevisions(set, { current, isUsed: (each) => used.has(hashOfRevision(each)), keepMax: revisionHistoryLimit }, context);
    if (failure) throw failure;
    const waits = ownPods(set, context).map((pod) => availableInMs(pod, minReadySeconds, clock.now()) ?? 0).filter((ms) => ms > 0);
    return failed.length > 0 ? failedDelayMs : waits.length > 0 ? Math.min(...waits) : undefined;
  },
};

function ownPods(set: DaemonSet, context: Context): Pod[] {
  const matcher = labelMatcherOf(set.spec?.selector);
  return cacheOf(context, pods).controlledBy(set.metadata.uid ?? "").filter(({ metadata }) => matchesLabels(matcher, metadata.labels));
}
