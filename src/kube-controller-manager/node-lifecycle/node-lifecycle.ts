import { leases } from "../../api/generated/coordination-v1.ts";
import { nodes, pods, type Node } from "../../api/generated/core-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { cacheOf, watching, type Context, type Controller } from "../../client/controller.ts";
import { isReady } from "../shared/pods.ts";
import { allAreDown, evictionIntervalMs, missingLabels, notReadyTaint, planTaints, readyStatus, sameTaints, silenceLeftMs, unknownConditions, unreachableTaint, upstreamTimes, zoneOf, type NodeTimes } from "./plan.ts";

const leaseNamespace = "kube-node-lease";

/** What a node last said, and when this process heard it: the clocks of nodes are not trusted. */
interface Heard {
  readonly uid: string;
  readonly sign: string;
  readonly atMs: number;
}

/** Notices nodes that fall silent, and turns the conditions of nodes into taints. Woken by heartbeats and by the end of a node's patience, never by a poll. */
export function nodeLifecycleController(times: NodeTimes = upstreamTimes): Controller {
  const heard = new Map<string, Heard>();
  /** When a node of the zone was last given over to eviction. */
  const evictedMs = new Map<string, number>();
  let wereAllDown = false;

  return {
    name: "node-controller",
    resource: nodes,
    watches: [
      watching(leases, ({ next }) => (next?.metadata.namespace === leaseNamespace ? [next.metadata.name ?? ""] : [])),
      // One node coming back decides for all others whether they are evicted.
      watching(nodes, ({ previous, next }, context) => {
        const changed = (previous && readyStatus(previous)) !== (next && readyStatus(next));
        return changed ? cacheOf(context, nodes).list().filter((node) => readyStatus(node) !== "True").map(({ metadata }) => metadata.name ?? "") : [];
      }),
    ],

    prepare(context) {
      cacheOf(context, pods).addIndex("node", ({ spec }) => (spec?.nodeName ? [spec.nodeName] : []));
    },
    reads: [pods],

    async reconcile(name, context) {
      const { clock, events } = context;
      const known = cacheOf(context, nodes).get(name);
      const before = heard.get(name);
      if (!known) {
        heard.delete(name);
        if (before) events.event({ kind: "Node", apiVersion: "v1", name, uid: before.uid }, "Normal", "RemovingNode", `Removing Node ${name} from Controller`);
        return;
      }
      if (before?.uid !== known.metadata.uid) events.event(nodeReference(known), "Normal", "RegisteredNode", `Registered Node ${name} in Controller`);
      listen(known, context);

      const leftMs = silenceLeftMs(known, heard.get(name)?.atMs ?? clock.now(), clock.now(), times);
      const node = leftMs > 0 ? known : await markUnknown(known, context);
      if (readyStatus(node) === "Unknown") await markPodsNotReady(node, context);
      const againMs = await taint(node, context);
      const waits = [leftMs > 0 ? leftMs : undefined, againMs].filter((wait) => wait !== undefined);
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
  };

  function listen(node: Node, context: Context): void {
    const { name = "", uid = "" } = node.metadata;
    const lease = cacheOf(context, leases).get(`${leaseNamespace}/${name}`);
    const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
    const sign = `${lease?.spec?.renewTime ?? ""} ${ready?.lastHeartbeatTime ?? ""}`;
    const before = heard.get(name);
    if (before?.uid !== uid || before.sign !== sign) heard.set(name, { uid, sign, atMs: context.clock.now() });
  }

  /** Returns when to look again because the node's turn to be evicted has not come. */
  async function taint(node: Node, context: Context): Promise<number | undefined> {
    const { client, clock, tracer, signal } = context;
    const nowMs = clock.now();
    // A heartbeat of a ready node, which is what nearly every call is about, looks at no other node.
    const all = readyStatus(node) === "True" ? [] : cacheOf(context, nodes).list();
    const allDown = allAreDown(all);
    if (wereAllDown && !allDown) for (const [name, each] of heard) heard.set(name, { ...each, atMs: nowMs }); // Everybody gets a fresh chance.
    wereAllDown = allDown;

    const wants = readyStatus(node) === "False" || readyStatus(node) === "Unknown";
    const has = node.spec?.taints?.some(({ key, effect }) => effect === "NoExecute" && (key === notReadyTaint || key === unreachableTaint)) ?? false;
    const waitMs = wants && !has && !allDown ? turnInMs(node, all, nowMs) : 0;
    const evicts = wants && !allDown && waitMs === 0;
    const taints = planTaints(node, evicts, nowMs);
    const labels = missingLabels(node);
    const { name = "", uid = "", resourceVersion } = node.metadata;
    if (!sameTaints(taints, node.spec?.taints) || Object.keys(labels).length > 0) {
      await client.patch(nodes, { name }, "application/merge-patch+json", { metadata: { uid, resourceVersion, ...(Object.keys(labels).length > 0 && { labels }) }, spec: { taints } }, { signal });
      tracer.mark(uid, "set taints", { taints: taints.map(({ key, effect }) => `${key}:${effect}`).join(" ") });
      if (evicts && !has) evictedMs.set(zoneOf(node), nowMs);
    }
    return waitMs > 0 ? waitMs : undefined;
  }

  function turnInMs(node: Node, all: readonly Node[], nowMs: number): number {
    const zone = all.filter((each) => zoneOf(each) === zoneOf(node));
    const ready = zone.filter((each) => readyStatus(each) === "True").length;
    const intervalMs = evictionIntervalMs({ ready, notReady: zone.length - ready });
    // The zone is in trouble: a node that becomes ready wakes the others, and until then they keep their pods.
    if (intervalMs === undefined) return times.monitorGraceMs;
    return Math.max((evictedMs.get(zoneOf(node)) ?? -Infinity) + intervalMs - nowMs, 0);
  }
}

const nodeReference = ({ metadata: { name = "", uid = "" } }: Node) => ({ kind: "Node", apiVersion: "v1", name, uid });

async function markUnknown(node: Node, { client, clock, events, tracer, signal }: Context): Promise<Node> {
  const conditions = unknownConditions(node, clock.now());
  if (conditions === node.status?.conditions) return node;
  const wasReady = readyStatus(node) === "True";
  const updated = await client.updateStatus(nodes, { ...node, status: { ...node.status, conditions } }, { signal });
  tracer.mark(node.metadata.uid ?? "", "marked unreachable");
  if (wasReady) events.event(nodeReference(node), "Normal", "NodeNotReady", `Node ${node.metadata.name ?? ""} status is now: NodeNotReady`);
  return updated;
}

/** Nobody else takes the pods of a silent node out of their Services. */
async function markPodsNotReady(node: Node, context: Context): Promise<void> {
  const { client, clock, events, signal } = context;
  for (const pod of cacheOf(context, pods).by("node", node.metadata.name ?? "")) {
    if (!isReady(pod)) continue;
    const conditions = pod.status?.conditions?.map((condition) => (condition.type === "Ready" ? { ...condition, status: "False", lastTransitionTime: formatTime(clock.now()) } : condition)) ?? [];
    try {
      await client.updateStatus(pods, { ...pod, status: { ...pod.status, conditions } }, { signal });
    } catch (error) {
      if (isNotFound(error)) continue;
      throw error;
    }
    events.event(pod, "Warning", "NodeNotReady", "Node is not ready");
  }
}
