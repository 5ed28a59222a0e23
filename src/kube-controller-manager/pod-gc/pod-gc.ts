import { nodes, pods, type Pod } from "../../api/generated/core-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { cacheOf, watching, type Context, type Controller } from "../../client/controller.ts";
import { isFinished } from "../shared/pods.ts";
import { judge, surplusOf } from "./plan.ts";

const nodeIndex = "node";
const finishedIndex = "finished";
const finishedKeptMax = 12_500;
/** A key that no pod can have: stands for the count of finished pods. */
const countKey = "*finished*";

/** Removes pods that nobody else will: of nodes that are gone, deleted before they had a node, and finished ones in excess. */
export function podGarbageCollector(): Controller {
  const missingSinceMs = new Map<string, number>();

  return {
    name: "pod-garbage-collector",
    resource: pods,
    watches: [
      watching(nodes, ({ previous, next }, context) => {
        if (next) missingSinceMs.delete(next.metadata.name ?? "");
        const isNews = !next || !previous || previous.spec?.taints !== next.spec?.taints;
        return isNews ? cacheOf(context, pods).by(nodeIndex, (next ?? previous)?.metadata.name ?? "").map(({ metadata }) => `${metadata.namespace}/${metadata.name}`) : [];
      }),
      watching(pods, ({ previous, next }) => (next && isFinished(next) && !(previous && isFinished(previous)) ? [countKey] : [])),
    ],

    prepare(context) {
      const cache = cacheOf(context, pods);
      cache.addIndex(nodeIndex, ({ spec }) => (spec?.nodeName ? [spec.nodeName] : []));
      cache.addIndex(finishedIndex, (pod) => (isFinished(pod) ? [""] : []));
    },

    async reconcile(key, context) {
      const { clock } = context;
      if (key === countKey) {
        for (const pod of surplusOf(cacheOf(context, pods).by(finishedIndex, ""), finishedKeptMax)) await remove(pod, undefined, context);
        return;
      }
      const pod = cacheOf(context, pods).get(key);
      if (!pod) return;
      const nodeName = pod.spec?.nodeName ?? "";
      const node = cacheOf(context, nodes).get(nodeName);
      const nowMs = clock.now();
      if (nodeName !== "" && !node && !missingSinceMs.has(nodeName)) missingSinceMs.set(nodeName, nowMs);
      const verdict = judge(pod, { node, missingSinceMs: missingSinceMs.get(nodeName), nowMs });
      if (verdict.act === "wait") return verdict.ms;
      if (verdict.act === "keep" || (verdict.reason === "orphaned" && (await nodeExists(nodeName, context)))) return;
      const condition = verdict.reason === "orphaned"
        ? { type: "DisruptionTarget", status: "True", reason: "DeletionByPodGC", message: "PodGC: node no longer exists", lastTransitionTime: formatTime(nowMs) } : undefined;
      await remove(pod, condition, context);
    },
  };
}

async function nodeExists(name: string, { client, signal }: Context): Promise<boolean> {
  return client.get(nodes, { name }, { signal }).then(() => true, (error: unknown) => {
    if (isNotFound(error)) return false;
    throw error;
  });
}

/** No kubelet will tell how the pod ended: it is marked as failed first. */
async function remove(pod: Pod, condition: NonNullable<NonNullable<Pod["status"]>["conditions"]>[number] | undefined, { client, tracer, signal }: Context): Promise<void> {
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  try {
    if (!isFinished(pod)) {
      const status = { phase: "Failed", ...(condition && { conditions: [condition] }) };
      await client.patch(pods, { name, namespace }, "application/strategic-merge-patch+json", { metadata: { uid }, status }, { subresource: "status", signal });
    }
    await client.delete(pods, { name, namespace }, { gracePeriodSeconds: 0, preconditions: { uid }, signal });
    tracer.mark(uid, "collected pod");
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
