import { endpoints, pods, services } from "../../api/generated/core-v1.ts";
import { keyOf, splitKey } from "../../apimachinery/object.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { cacheOf, watching, type Controller } from "../../client/controller.ts";
import { isNamespaceTerminating } from "../shared/pod-control.ts";
import { podsOf, selectsPods, servicesOfPod, triggerTime } from "../shared/service-pods.ts";
import { planEndpoints } from "./plan.ts";

/** The older form of EndpointSlices, which many clients still read. */
export const endpointsController: Controller = {
  name: "endpoint-controller",
  resource: services,
  watches: [
    watching(pods, servicesOfPod),
    watching(endpoints, ({ previous, next }) => [next ?? previous].filter((each) => each !== undefined).map(keyOf)),
  ],

  async reconcile(key, context) {
    const { client, events, signal } = context;
    const service = cacheOf(context, services).get(key);
    const known = cacheOf(context, endpoints).get(key);
    if (!service) {
      // Endpoints that somebody made by hand for a Service yet to come are left alone.
      if (known?.metadata.labels?.["endpoints.kubernetes.io/managed-by"] === undefined) return;
      await client.delete(endpoints, splitKey(key), { signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      return;
    }
    if (!selectsPods(service) || service.metadata.deletionTimestamp !== undefined) return;
    const selected = podsOf(service, cacheOf(context, pods).inNamespace(service.metadata.namespace ?? ""));
    const next = planEndpoints(service, selected, known, triggerTime(service, selected));
    if (!next) return;
    try {
      if (known) await client.update(endpoints, next, { signal });
      else await client.create(endpoints, next, { signal });
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (!signal.aborted) {
        events.event(next, "Warning", known ? "FailedToUpdateEndpoint" : "FailedToCreateEndpoint", `Failed to ${known ? "update endpoint" : "create endpoint for service"} ${key}: ${(error as Error).message}`);
      }
      throw error;
    }
  },
};
