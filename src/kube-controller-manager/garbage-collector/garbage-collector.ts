import { customresourcedefinitions } from "../../api/generated/apiextensions-v1.ts";
import { splitKey, type KubeObject, type ObjectMeta, type ResourceType } from "../../apimachinery/object.ts";
import { isConflict, isNotFound } from "../../apimachinery/status-error.ts";
import type { Change } from "../../client/cache.ts";
import type { Context } from "../../client/controller.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import { equal } from "../../stdx/equal.ts";
import { Graph, type Located } from "./graph.ts";
import { blockersOf, decide, foregroundFinalizer, orphanFinalizer, orphansDependents, waitsForDependents, type OwnerState } from "./plan.ts";

const workers = 20;
/** After a definition changed, the server needs a moment until it serves the new resource. */
const definitionsDelayMs = 1_000;
const syncKey = "*definitions*";

/** Deletes what has lost all of its owners, and sees to the order of foreground and orphaning deletions. */
export const garbageCollector = {
  name: "generic-garbage-collector",

  async run(context: Context): Promise<void> {
    const { informers, clock, signal } = context;
    await informers.of(customresourcedefinitions).whenSynced(signal);
    const queue = new WorkQueue({ clock, signal });
    const graph = new Graph(context, (type, change) => {
      for (const located of concerned(graph, type, change)) queue.add(graph.nameOf(located));
    });
    await graph.sync();
    using _definitions = graph.onDefinitionsChange(() => queue.addAfter(syncKey, definitionsDelayMs));
    await Promise.all(Array.from({ length: workers }, () => work(graph, queue, context)));
  },
};

async function work(graph: Graph, queue: WorkQueue, context: Context): Promise<void> {
  for await (const name of queue.keys()) {
    try {
      if (name === syncKey) await graph.sync();
      else {
        const located = graph.locatedOf(name);
        if (located) await attend(located, graph, context);
      }
      queue.succeeded(name);
    } catch (error) {
      if (context.signal.aborted) return;
      context.log[isConflict(error) ? "debug" : "warn"]("an object could not be collected", { object: name, error });
      queue.failed(name);
    }
  }
}

/** Which objects need a look after this change. Most changes concern nobody. */
function concerned(graph: Graph, type: ResourceType, { previous, next }: Change<KubeObject>): Located[] {
  if (!next) return previous ? [...graph.dependentsOf(previous.metadata.uid ?? ""), ...waitingOwners(graph, previous)] : [];
  const self = graph.locate(type, next);
  const found: Located[] = [];
  const references = next.metadata.ownerReferences ?? [];
  if (!equal(previous?.metadata.ownerReferences ?? [], references)) {
    if (references.some((reference) => !graph.isKnown(next, reference))) found.push(self);
    else if (waitingOwners(graph, next).length > 0) found.push(self);
    if (previous) found.push(...waitingOwners(graph, previous), self);
  }
  const begins = (test: (object: KubeObject) => boolean) => test(next) && !(previous && test(previous));
  if (begins(waitsForDependents)) found.push(self, ...graph.dependentsOf(next.metadata.uid ?? ""));
  if (begins(orphansDependents)) found.push(self);
  return found;
}

/** Owners in foreground deletion, which may have waited for this one only. */
function waitingOwners(graph: Graph, object: KubeObject): Located[] {
  return (object.metadata.ownerReferences ?? []).flatMap((reference) => {
    const owner = graph.ownerOf(object, reference);
    const found = owner && graph.find(owner);
    return owner && found && found.metadata.uid === reference.uid && waitsForDependents(found) ? [owner] : [];
  });
}

async function attend(located: Located, graph: Graph, context: Context): Promise<void> {
  const object = graph.find(located);
  if (!object) return;
  if (orphansDependents(object)) return orphan(located, object, graph, context);
  if (waitsForDependents(object)) return finishForeground(located, object, graph, context);

  const owners: OwnerState[] = [];
  for (const reference of object.metadata.ownerReferences ?? []) owners.push(await graph.stateOfOwner(object, reference));
  const dependents = owners.includes("waiting") ? graph.dependentsOf(object.metadata.uid ?? "").map((each) => each.object) : [];
  const decision = decide({ object, owners, dependents });
  if (decision.act === "keep") return;
  warnOfOtherNamespace(object, owners, graph, context);
  if (decision.act === "release") return patchMetadata(located, object, { ownerReferences: decision.ownerReferences }, context);
  if (decision.unblock) {
    const ownerReferences = (object.metadata.ownerReferences ?? []).map((reference) => ({ ...reference, blockOwnerDeletion: false }));
    await patchMetadata(located, object, { ownerReferences }, context);
  }
  await collect(located, graph.find(located) ?? object, decision.policy, context);
}

/** Owners must be in the same namespace; a reference to one elsewhere counts as one to nothing, which users should hear of. */
function warnOfOtherNamespace(object: KubeObject, owners: readonly OwnerState[], graph: Graph, { events }: Context): void {
  const { namespace, ownerReferences = [] } = object.metadata;
  for (const [index, reference] of ownerReferences.entries()) {
    if (owners[index] !== "absent" || namespace === undefined || !graph.livesElsewhere(object, reference)) continue;
    const { apiVersion, kind, name, uid } = reference;
    events.event(object, "Warning", "OwnerRefInvalidNamespace", `ownerRef [${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}] does not exist in namespace ${JSON.stringify(namespace)}`);
  }
}

async function collect({ type, key }: Located, object: KubeObject, propagationPolicy: "Foreground" | "Background" | "Orphan", { client, tracer, signal }: Context): Promise<void> {
  const { uid = "", resourceVersion = "" } = object.metadata;
  const { namespace, name } = splitKey(key);
  try {
    // The version too: an owner that was added meanwhile must keep the object.
    await client.delete(type, { name, ...(namespace !== "" && { namespace }) }, { propagationPolicy, preconditions: { uid, resourceVersion }, signal });
    tracer.mark(uid, "collected, because its owners are gone", { propagationPolicy });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function finishForeground(located: Located, object: KubeObject, graph: Graph, context: Context): Promise<void> {
  const blockers = blockersOf(object, graph.dependentsOf(object.metadata.uid ?? "").map((each) => each.object));
  if (blockers.length > 0) return; // Each was woken when this deletion began; the last one to go wakes this object.
  await removeFinalizer(located, object, foregroundFinalizer, context);
}

async function orphan(located: Located, object: KubeObject, graph: Graph, context: Context): Promise<void> {
  const { uid } = object.metadata;
  for (const dependent of graph.dependentsOf(uid ?? "")) {
    const ownerReferences = (dependent.object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
    await patchMetadata(dependent, dependent.object, { ownerReferences }, context);
  }
  await removeFinalizer(located, object, orphanFinalizer, context);
}

const removeFinalizer = (located: Located, object: KubeObject, finalizer: string, context: Context): Promise<void> =>
  patchMetadata(located, object, { finalizers: (object.metadata.finalizers ?? []).filter((each) => each !== finalizer) }, context);

/** The version in the patch makes it a compare-and-set: lists are replaced whole. */
async function patchMetadata({ type, key }: Located, { metadata: { uid, resourceVersion } }: KubeObject, change: Partial<ObjectMeta>, { client, signal }: Context): Promise<void> {
  const { namespace, name } = splitKey(key);
  try {
    await client.patch(type, { name, ...(namespace !== "" && { namespace }) }, "application/merge-patch+json", { metadata: { uid, resourceVersion, ...change } }, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
