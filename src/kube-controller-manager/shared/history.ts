import { controllerrevisions, type ControllerRevision } from "../../api/generated/apps-v1.ts";
import type { PodTemplateSpec } from "../../api/generated/core-v1.ts";
import { templateHash } from "../../apimachinery/hash.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { isAlreadyExists, isNotFound } from "../../apimachinery/status-error.ts";
import { cacheOf, type Context } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { controllerReference } from "./owner.ts";

export const revisionHashLabel = "controller-revision-hash";

/** What is kept of a template, in the form in which it can be applied as a patch again. */
const dataOf = (template: PodTemplateSpec) => ({ spec: { template: { ...template, $patch: "replace" } } });
export const hashOfRevision = ({ metadata }: ControllerRevision): string => metadata.labels?.[revisionHashLabel] ?? "";

/** The revision of this template: the known one, raised to the highest number when it is not the latest, or a new one. The same object when nothing is to be written. */
export function planRevision(owner: KubeObject, template: PodTemplateSpec, known: readonly ControllerRevision[]): ControllerRevision {
  const data = dataOf(template);
  const latest = Math.max(0, ...known.map(({ revision }) => revision));
  const same = known.toSorted((a, b) => b.revision - a.revision).find((each) => equal(each.data, data));
  if (same) return same.revision === latest ? same : { ...same, revision: latest + 1 };
  const { name = "", namespace = "" } = owner.metadata;
  const hash = templateHash(template);
  return {
    apiVersion: "apps/v1", kind: "ControllerRevision",
    metadata: { name: `${name}-${hash}`, namespace, labels: { ...template.metadata?.labels, [revisionHashLabel]: hash }, ownerReferences: [controllerReference(owner)] },
    data, revision: latest + 1,
  };
}

export const revisionsOf = (owner: KubeObject, context: Context): ControllerRevision[] => cacheOf(context, controllerrevisions).controlledBy(owner.metadata.uid ?? "");

/** Writes what `planRevision` says. */
export async function ensureRevision(owner: KubeObject, template: PodTemplateSpec, context: Context): Promise<ControllerRevision> {
  const { client, signal } = context;
  const known = revisionsOf(owner, context);
  const planned = planRevision(owner, template, known);
  if (known.includes(planned)) return planned;
  if (planned.metadata.resourceVersion !== undefined) return client.update(controllerrevisions, planned, { signal });
  try {
    return await client.create(controllerrevisions, planned, { signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const { name = "", namespace = "" } = planned.metadata;
    const there = await client.get(controllerrevisions, { name, namespace }, { signal });
    if (equal(there.data, planned.data)) return there;
    throw error;
  }
}

/** Old revisions that no pod is of, beyond the limit, lowest numbers first. */
export async function cleanUpRevisions(owner: KubeObject, { current, isUsed, keepMax }: { readonly current: ControllerRevision; readonly isUsed: (revision: ControllerRevision) => boolean; readonly keepMax: number }, context: Context): Promise<void> {
  const idle = revisionsOf(owner, context).filter((each) => each.metadata.name !== current.metadata.name && !isUsed(each)).toSorted((a, b) => a.revision - b.revision);
  for (const { metadata: { name = "", namespace = "" } } of idle.slice(0, Math.max(idle.length - keepMax, 0))) {
    try {
      await context.client.delete(controllerrevisions, { name, namespace }, { signal: context.signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
