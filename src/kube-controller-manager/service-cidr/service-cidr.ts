import { ipaddresses, servicecidrs } from "../../api/generated/networking-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { keyOf } from "../../apimachinery/object.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { cacheOf, watching, type Controller } from "../../client/controller.ts";
import { parseIp } from "../../stdx/ip.ts";
import { holdsAddress, isAllocated, overlaps, planServiceCidr, protectionFinalizer, type ReadyCondition } from "./plan.ts";

const name = "service-cidr-controller";

/** Says of each ServiceCIDR whether addresses may be taken from it, and keeps one that is deleted until no Service depends on it. */
export const serviceCidrController: Controller = {
  name,
  resource: servicecidrs,
  watches: [
    // A range that comes or goes may set another one free.
    watching(servicecidrs, ({ previous, next }, context) => {
      const changed = next ?? previous;
      return changed ? cacheOf(context, servicecidrs).list().filter((each) => overlaps(each, changed)).map(keyOf) : [];
    }),
    watching(ipaddresses, ({ previous, next }, context) => {
      const changed = next ?? previous;
      const ip = parseIp(changed?.metadata.name ?? "");
      // Only a range on its way out is concerned, of which there are few; addresses come and go with every Service.
      if (!changed || !ip || !isAllocated(changed)) return [];
      return cacheOf(context, servicecidrs).list().filter((each) => each.metadata.deletionTimestamp !== undefined && holdsAddress(each, ip)).map(keyOf);
    }),
  ],

  async reconcile(key, context) {
    const { client, clock, signal } = context;
    const present = cacheOf(context, servicecidrs).get(key);
    if (!present) return;
    const apply = ({ status, reason, message }: ReadyCondition) => client.patch(servicecidrs, { name: key }, "application/apply-patch+yaml", {
      apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: { name: key },
      status: { conditions: [{ type: "Ready", status, reason, message, lastTransitionTime: formatTime(clock.now()) }] },
    }, { subresource: "status", fieldManager: name, force: true, signal });
    const finalizers = (change: object) => client.patch(servicecidrs, { name: key }, "application/strategic-merge-patch+json", { metadata: change }, { signal });

    const step = planServiceCidr(present, cacheOf(context, servicecidrs).list(), cacheOf(context, ipaddresses).list(), clock.now());
    try {
      if (step.is === "wait") return step.forMs;
      if (step.is === "condition") await apply(step.condition);
      if (step.is === "addFinalizer") await finalizers({ finalizers: [protectionFinalizer] });
      if (step.is === "removeFinalizer") await finalizers({ "$deleteFromPrimitiveList/finalizers": [protectionFinalizer] });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  },
};
