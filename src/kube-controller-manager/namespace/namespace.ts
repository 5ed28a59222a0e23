import { customresourcedefinitions } from "../../api/generated/apiextensions-v1.ts";
import { namespaces, pods, type Namespace } from "../../api/generated/core-v1.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { isNotFound, isStatusError } from "../../apimachinery/status-error.ts";
import { cacheOf, watching, type Context, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { deletableResources } from "../shared/served-resources.ts";
import { planConditions, type Content } from "./plan.ts";

const finalizer = "kubernetes";
/** Pods that end wake their namespace; for what waits on other finalizers we look again after this time. */
const againMs = 2_000;

/** Empties namespaces that are being deleted: pods first, so that nothing a running pod uses goes before it, then everything else. */
export const namespaceController: Controller = {
  name: "namespace-controller",
  resource: namespaces,
  reads: [customresourcedefinitions],
  watches: [watching(pods, ({ previous, next }, context) => {
    const namespace = next ? "" : (previous?.metadata.namespace ?? "");
    return cacheOf(context, namespaces).get(namespace)?.metadata.deletionTimestamp === undefined ? [] : [namespace];
  })],
  workers: 10,

  async reconcile(name, context) {
    const { client, clock, tracer, signal } = context;
    if (cacheOf(context, namespaces).get(name)?.metadata.deletionTimestamp === undefined) return;
    const namespace = await terminating(name, context);
    if (!namespace || !(namespace.spec?.finalizers ?? []).includes(finalizer)) return;

    const content = await empty(name, context);
    const conditions = planConditions(namespace, content, clock.now());
    const told = equal(conditions, namespace.status?.conditions ?? []) ? namespace
      : await client.updateStatus(namespaces, { ...namespace, status: { ...namespace.status, conditions } }, { signal });
    if (content.errors.length > 0) throw new Error(content.errors.join(", "));
    if (content.remaining.some(({ count }) => count > 0)) return againMs;
    tracer.mark(told.metadata.uid ?? "", "emptied namespace");
    await finalize(told, context);
  },
};

/** The namespace as it is now, with the phase that tells everybody that it goes away. */
async function terminating(name: string, { client, signal }: Context): Promise<Namespace | undefined> {
  try {
    const namespace = await client.get(namespaces, { name }, { signal });
    if (namespace.metadata.deletionTimestamp === undefined) return undefined;
    if (namespace.status?.phase === "Terminating") return namespace;
    return await client.updateStatus(namespaces, { ...namespace, status: { ...namespace.status, phase: "Terminating" } }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function empty(namespace: string, context: Context): Promise<Content> {
  const types = deletableResources(context).filter(({ namespaced }) => namespaced);
  const first = await emptyOf(types.filter((type) => type === pods), namespace, context);
  if (first.remaining.length > 0 || first.errors.length > 0) return first;
  return emptyOf(types.filter((type) => type !== pods), namespace, context);
}

async function emptyOf(types: readonly ResourceType[], namespace: string, context: Context): Promise<Content> {
  const remaining: { resource: string; group: string; count: number }[] = [];
  const finalizers = new Map<string, number>();
  const errors: string[] = [];
  for (const type of types) {
    try {
      const left = await deleteAll(type, namespace, context);
      if (left.length > 0) remaining.push({ resource: type.plural, group: type.group, count: left.length });
      for (const each of left.flatMap(({ metadata }) => metadata.finalizers ?? [])) finalizers.set(each, (finalizers.get(each) ?? 0) + 1);
    } catch (error) {
      context.signal.throwIfAborted();
      // Not served (any more), or not to be deleted this way: nothing that could be left behind.
      if (isStatusError(error, "NotFound", "MethodNotAllowed")) continue;
      errors.push((error as Error).message);
    }
  }
  return { remaining, finalizers, errors };
}

/** Asks all objects of one resource to go, and returns those that are still there. */
async function deleteAll(type: ResourceType, namespace: string, { client, signal }: Context): Promise<readonly KubeObject[]> {
  const before = await client.list(type, { namespace, signal });
  if (before.items.length === 0) return [];
  if (before.items.some(({ metadata }) => metadata.deletionTimestamp === undefined)) {
    if (type.verbs.includes("deletecollection")) await client.deleteCollection(type, { namespace, propagationPolicy: "Background", signal });
    else {
      for (const { metadata: { name = "" } } of before.items) await client.delete(type, { name, namespace }, { propagationPolicy: "Background", signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
  }
  return (await client.list(type, { namespace, signal })).items;
}

async function finalize(namespace: Namespace, { client, signal }: Context): Promise<void> {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((each) => each !== finalizer);
  try {
    await client.update(namespaces, { ...namespace, spec: { ...namespace.spec, finalizers } }, { subresource: "finalize", signal });
  } catch (error) {
    if (!isNotFound(error)) throw error; // A conflict too: it is tried again from what the namespace is then.
  }
}
