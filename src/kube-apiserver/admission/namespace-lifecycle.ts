import { namespaces } from "../../api/generated/core-v1.ts";
import { forbiddenError, notFoundError, StatusError } from "../../apimachinery/status-error.ts";
import type { AdmissionPlugin, AdmissionRequest, ClusterReader } from "../access.ts";
import { checkInOrder, isResource, refuse } from "./plugin.ts";

/** Namespaces that everything else stands on. */
const immortal: readonly string[] = ["default", "kube-system", "kube-public"];

/** Nothing is made in a namespace that does not exist or is going away, and the namespaces of the system stay. */
export function namespaceLifecycle(cluster: ClusterReader): AdmissionPlugin {
  return checkInOrder("NamespaceLifecycle", (operation) => operation !== "CONNECT", (request) => {
    const { operation, type, namespace, name, subresource } = request;
    if (isResource(type, namespaces)) {
      if (operation === "DELETE" && subresource === "" && immortal.includes(name)) throw forbiddenError({ group: "", resource: "namespaces" }, name, "this namespace may not be deleted");
      return;
    }
    // Reviews of access answer the same whether a namespace exists or not: anything else would tell who may not know.
    if (namespace === "" || operation === "DELETE" || (type.group === "authorization.k8s.io" && type.plural === "localsubjectaccessreviews")) return;
    const found = cluster.get(namespaces, "", namespace);
    if (!found) throw notFoundError({ group: "", resource: "namespaces" }, namespace);
    if (operation === "CREATE" && found.status?.phase === "Terminating") throw terminating(request);
  });
}

function terminating(request: AdmissionRequest): StatusError {
  const { message, details } = refuse(request, `unable to create new content in namespace ${request.namespace} because it is being terminated`);
  return new StatusError("Forbidden", message, {
    details: { ...details, causes: [{ reason: "NamespaceTerminating", message: `namespace ${request.namespace} is being terminated`, field: "metadata.namespace" }] },
  });
}
