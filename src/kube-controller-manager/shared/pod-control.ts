import { pods, type Pod, type PodTemplateSpec } from "../../api/generated/core-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { isNotFound, isStatusError } from "../../apimachinery/status-error.ts";
import type { Context } from "../../client/controller.ts";
import { controllerReference } from "./owner.ts";

/** A pod as its owner's template asks for it; the server completes the name. */
export function podFor(owner: KubeObject, template: PodTemplateSpec, metadata: Partial<Pod["metadata"]> = {}): Pod {
  const { namespace = "", name = "" } = owner.metadata;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: "v1", kind: "Pod",
    metadata: {
      generateName: `${name}-`, namespace,
      ...(labels && { labels }), ...(annotations && { annotations }), ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(owner)],
      ...metadata,
    },
    ...(template.spec && { spec: template.spec }),
  };
}

/** The namespace is going away: every create in it will fail, and nothing needs to be done about it. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  isStatusError(error) && (error.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") ?? false);

export async function createPod(owner: KubeObject, pod: Pod, { client, events, tracer, signal }: Context): Promise<Pod | undefined> {
  try {
    const created = await client.create(pods, pod, { signal });
    tracer.mark(created.metadata.uid ?? "", "created pod", { owner: `${owner.kind}/${owner.metadata.name ?? ""}` });
    events.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${created.metadata.name ?? ""}`);
    return created;
  } catch (error) {
    if (isNamespaceTerminating(error)) return undefined;
    events.event(owner, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
    throw error;
  }
}

export async function deletePod(owner: KubeObject, pod: Pod, { client, events, tracer, signal }: Context): Promise<void> {
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  try {
    await client.delete(pods, { name, namespace }, { signal, ...(uid !== "" && { preconditions: { uid } }) });
  } catch (error) {
    if (isNotFound(error)) return;
    events.event(owner, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
    throw error;
  }
  tracer.mark(uid, "deleted pod", { owner: `${owner.kind}/${owner.metadata.name ?? ""}` });
  events.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
}
