import { namespaces, serviceaccounts } from "../../api/generated/core-v1.ts";
import { isAlreadyExists, isNotFound } from "../../apimachinery/status-error.ts";
import { cacheOf, watching, type Controller } from "../../client/controller.ts";
import { isNamespaceTerminating } from "../shared/pod-control.ts";

const name = "default";

/** Every namespace has a ServiceAccount that its pods get when they ask for none. */
export const serviceAccountController: Controller = {
  name: "service-account-controller",
  resource: namespaces,
  watches: [watching(serviceaccounts, ({ previous, next }) => (!next && previous?.metadata.name === name ? [previous.metadata.namespace ?? ""] : []))],

  async reconcile(namespace, context) {
    const { client, signal } = context;
    const owner = cacheOf(context, namespaces).get(namespace);
    if (!owner || owner.metadata.deletionTimestamp !== undefined || owner.status?.phase === "Terminating") return;
    if (cacheOf(context, serviceaccounts).get(`${namespace}/${name}`)) return;
    try {
      await client.create(serviceaccounts, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } }, { signal });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error) && !isNotFound(error)) throw error;
    }
  },
};
