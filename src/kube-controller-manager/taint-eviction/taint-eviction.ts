import { nodes, pods, type Pod } from "../../api/generated/core-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { cacheOf, watching, type Context, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { noExecuteTaints, toleratedMs } from "./plan.ts";

interface Waiting { readonly uid: string; readonly sinceMs: number }

/** Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer. */
export function taintEvictionController(): Controller {
  /** Since when a pod lives on borrowed time. */
  const waiting = new Map<string, Waiting>();

  return {
    name: "taint-eviction-controller",
    resource: pods,
    watches: [watching(nodes, ({ previous, next }, context) => {
      if (equal(noExecuteTaints(previous), noExecuteTaints(next))) return [];
      return cacheOf(context, pods).by("node", (next ?? previous)?.metadata.name ?? "").map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    })],

    prepare(context) {
      cacheOf(context, pods).addIndex("node", ({ spec }) => (spec?.nodeName ? [spec.nodeName] : []));
    },

    async reconcile(key, context) {
      const { clock } = context;
      const pod = cacheOf(context, pods).get(key);
      const known = waiting.get(key);
      if (!pod || pod.metadata.deletionTimestamp !== undefined || (known && known.uid !== pod.metadata.uid)) waiting.delete(key);
      if (!pod || pod.metadata.deletionTimestamp !== undefined || !pod.spec?.nodeName) return;
      const taints = noExecuteTaints(cacheOf(context, nodes).get(pod.spec.nodeName));
      const staysMs = taints.length === 0 ? Infinity : toleratedMs(pod, taints);
      if (staysMs === Infinity) {
        if (waiting.delete(key)) tell(pod, "Cancelling deletion of Pod", context);
        return;
      }
      const sinceMs = waiting.get(key)?.sinceMs ?? clock.now();
      waiting.set(key, { uid: pod.metadata.uid ?? "", sinceMs });
      const leftMs = sinceMs + staysMs - clock.now();
      if (leftMs > 0) return leftMs;
      await evict(pod, context);
      waiting.delete(key);
    },
  };
}

function tell({ metadata: { name = "", namespace = "", uid = "" } }: Pod, what: string, { events }: Context): void {
  events.event({ apiVersion: "v1", kind: "Pod", name, namespace, uid }, "Normal", "TaintManagerEviction", `${what} ${namespace}/${name}`);
}

async function evict(pod: Pod, context: Context): Promise<void> {
  const { client, clock, tracer, signal } = context;
  const { name = "", namespace = "", uid = "", generation } = pod.metadata;
  tell(pod, "Marking for deletion Pod", context);
  const condition = {
    type: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint",
    lastTransitionTime: formatTime(clock.now()), ...(generation !== undefined && { observedGeneration: generation }),
  };
  try {
    await client.patch(pods, { name, namespace }, "application/strategic-merge-patch+json", { metadata: { uid }, status: { conditions: [condition] } }, { subresource: "status", signal });
    await client.delete(pods, { name, namespace }, { preconditions: { uid }, signal });
    tracer.mark(uid, "evicted from tainted node", { node: pod.spec?.nodeName ?? "" });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
