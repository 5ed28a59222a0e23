import type { Binding, Pod, PodCondition } from "../../api/generated/core-v1.ts";
import { required, notSupported, type FieldError, fieldErrorText } from "../../apimachinery/field-error.ts";
import { badRequest, conflict, StatusError } from "../../apimachinery/status-error.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { decodeBody } from "../requests/body.ts";
import { writeQuery } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import { timestamp } from "../registry/identity.ts";
import type { Served } from "../served.ts";
import { writeContext } from "./write-context.ts";

/** POST pods/x/binding, and the old POST bindings: gives a pod to a node, once. */
export async function bindPod(api: Api, request: Authorized, pods: Served): Promise<Answer> {
  const query = writeQuery(request.query, "CreateOptions");
  const kind = { group: "", version: "v1", kind: "Binding" };
  const binding = await decodeBody<Binding>(request.payload, { kind, schemas: api.schemas, protobuf: api.protobuf, fieldValidation: query.fieldValidation, warnings: request.warnings });
  const { info } = request;
  const name = info.name === "" ? (binding.metadata.name ?? "") : info.name;
  if (name !== binding.metadata.name) throw badRequest("name in URL does not match name in Binding object");
  const namespace = binding.metadata.namespace ?? "";
  if (namespace !== "" && namespace !== info.namespace) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");

  const context = writeContext(api, { ...request, info: { ...info, subresource: "binding" } }, { served: pods, query, name });
  const admitted = (await context.admission.mutate("CREATE", { ...binding, metadata: { ...binding.metadata, namespace: info.namespace } }, undefined)) as Binding;
  const errors = bindingErrors(admitted);
  if (errors.length > 0) throw new StatusError("", errors.length === 1 ? fieldErrorText(errors[0] ?? required("")) : `[${errors.map(fieldErrorText).join(", ")}]`, { code: 400 });
  await context.admission.validate("CREATE", admitted, undefined);

  await pods.registry.write(info.namespace, name, (current) => bound(current as Pod, admitted, api.clock.now()), context);
  return { is: "object", code: 201, object: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 } };
}

function bindingErrors({ target }: Binding): FieldError[] {
  const { kind = "", name = "" } = target ?? {};
  return [...(kind !== "" && kind !== "Node" ? [notSupported("target.kind", kind, ["Node", "<empty>"])] : []), ...(name === "" ? [required("target.name")] : [])];
}

/** The pod on its node. @throws {StatusError} Conflict when it cannot be bound (any more). */
export function bound(pod: Pod, binding: Binding, nowMs: number): Pod {
  const { name = "" } = pod.metadata;
  const refuse = (detail: string): never => {
    throw conflict({ group: "", resource: "pods/binding" }, name, detail);
  };
  const { uid = "", resourceVersion = "", annotations = {}, labels = {} } = binding.metadata;
  if (uid !== "" && uid !== pod.metadata.uid) {
    throw conflict({ group: "", resource: "pods" }, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ""}`);
  }
  if (resourceVersion !== "" && resourceVersion !== pod.metadata.resourceVersion) {
    throw conflict({ group: "", resource: "pods" }, name, `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${pod.metadata.resourceVersion ?? ""}`);
  }
  if (pod.metadata.deletionTimestamp !== undefined) refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  const { nodeName = "", schedulingGates = [] } = pod.spec ?? { containers: [] };
  if (nodeName !== "") refuse(`pod ${name} is already assigned to node ${JSON.stringify(nodeName)}`);
  if (schedulingGates.length > 0) refuse(`pod ${name} has non-empty .spec.schedulingGates`);

  const { nominatedNodeName: _, ...status } = pod.status ?? {};
  // The node is no change of what was asked for: the generation stays.
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(Object.keys(annotations).length > 0 && { annotations: { ...pod.metadata.annotations, ...annotations } }),
      ...(Object.keys(labels).length > 0 && { labels: { ...pod.metadata.labels, ...labels } }),
    },
    spec: { ...pod.spec, nodeName: binding.target.name ?? "" } as NonNullable<Pod["spec"]>,
    status: { ...status, conditions: withScheduled(status.conditions ?? [], nowMs) },
  };
}

function withScheduled(conditions: readonly PodCondition[], nowMs: number): readonly PodCondition[] {
  const previous = conditions.find(({ type }) => type === "PodScheduled");
  const since = previous?.status === "True" && previous.lastTransitionTime !== undefined ? previous.lastTransitionTime : timestamp(nowMs);
  const scheduled: PodCondition = { type: "PodScheduled", status: "True", lastProbeTime: null as unknown as string, lastTransitionTime: since };
  return previous ? conditions.map((each) => (each === previous ? scheduled : each)) : [...conditions, scheduled];
}
