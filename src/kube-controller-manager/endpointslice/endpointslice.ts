import { nodes, pods, services } from "../../api/generated/core-v1.ts";
import { endpointslices, type EndpointSlice } from "../../api/generated/discovery-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { cacheOf, watching, type Context, type Controller } from "../../client/controller.ts";
import { isNamespaceTerminating } from "../shared/pod-control.ts";
import { podsOf, selectsPods, servicesOfPod, triggerTime } from "../shared/service-pods.ts";
import { managedByLabel, managerName, planSlices, serviceNameLabel } from "./plan.ts";

const serviceIndex = "service";

/** Tells everybody who routes traffic which pods are behind each Service. */
export const endpointSliceController: Controller = {
  name: "endpoint-slice-controller",
  resource: services,
  watches: [
    watching(pods, servicesOfPod),
    watching(endpointslices, ({ previous, next }) => [previous, next].filter((slice) => slice !== undefined).flatMap(serviceKeys)),
    // An endpoint without a node is left out, and a node's zone is shown.
    watching(nodes, ({ previous, next }, context) => {
      const zone = "topology.kubernetes.io/zone";
      if (previous && next && previous.metadata.labels?.[zone] === next.metadata.labels?.[zone]) return [];
      const name = (next ?? previous)?.metadata.name;
      return new Set(cacheOf(context, pods).by("node", name ?? "").flatMap((pod) => [...servicesOfPod({ previous: undefined, next: pod }, context)]));
    }),
  ],

  prepare(context) {
    cacheOf(context, endpointslices).addIndex(serviceIndex, serviceKeys);
    cacheOf(context, pods).addIndex("node", ({ spec }) => (spec?.nodeName ? [spec.nodeName] : []));
  },

  async reconcile(key, context) {
    const { client, events, tracer, signal } = context;
    const service = cacheOf(context, services).get(key);
    if (!service || !selectsPods(service) || service.metadata.deletionTimestamp !== undefined) return;
    const selected = podsOf(service, cacheOf(context, pods).inNamespace(service.metadata.namespace ?? ""));
    const slices = cacheOf(context, endpointslices).by(serviceIndex, key);
    const plan = planSlices({ service, pods: selected, nodeOf: (name) => cacheOf(context, nodes).get(name), slices, triggerTime: triggerTime(service, selected) });
    if (plan.create.length + plan.update.length + plan.remove.length === 0) return;
    try {
      for (const slice of plan.create) await client.create(endpointslices, slice, { signal });
      for (const slice of plan.update) await client.update(endpointslices, slice, { signal });
      for (const slice of plan.remove) await removeSlice(slice, context);
      tracer.mark(service.metadata.uid ?? "", "updated endpoint slices", { created: plan.create.length, updated: plan.update.length, removed: plan.remove.length });
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (!signal.aborted) events.event(service, "Warning", "FailedToUpdateEndpointSlices", `Error updating Endpoint Slices for Service ${key}: ${(error as Error).message}`);
      throw error;
    }
  },
};

async function removeSlice({ metadata: { name = "", namespace = "", uid = "" } }: EndpointSlice, { client, signal }: Context): Promise<void> {
  try {
    await client.delete(endpointslices, { name, namespace }, { preconditions: { uid }, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** The service that a slice of this controller's belongs to. */
function serviceKeys({ metadata: { namespace = "", labels } }: EndpointSlice): string[] {
  const name = labels?.[serviceNameLabel];
  return name !== undefined && labels?.[managedByLabel] === managerName ? [`${namespace}/${name}`] : [];
}
