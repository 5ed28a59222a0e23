import { configmaps, namespaces } from "../../api/generated/core-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { cacheOf, watching, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { isNamespaceTerminating } from "../shared/pod-control.ts";

const name = "kube-root-ca.crt";
const descriptionAnnotation = "kubernetes.io/description";
const description =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. "
  + "No other usage is guaranteed across distributions of Kubernetes clusters.";

/** Every namespace has a ConfigMap with the CA of the API server, which pods mount beside their token. */
export const rootCaPublisher = (rootCa: string): Controller => ({
  name: "root-ca-certificate-publisher",
  resource: namespaces,
  watches: [watching(configmaps, ({ previous, next }) => {
    const changed = next ?? previous;
    return changed?.metadata.name === name && changed.metadata.namespace !== undefined ? [changed.metadata.namespace] : [];
  })],

  async reconcile(namespace, context) {
    const { client, signal } = context;
    const owner = cacheOf(context, namespaces).get(namespace);
    if (!owner || owner.metadata.deletionTimestamp !== undefined || owner.status?.phase === "Terminating") return;
    const known = cacheOf(context, configmaps).get(`${namespace}/${name}`);
    const data = { "ca.crt": rootCa };
    if (known && equal(known.data ?? {}, data) && (known.metadata.annotations?.[descriptionAnnotation] ?? "") !== "") return;

    const annotations = { ...known?.metadata.annotations, [descriptionAnnotation]: description };
    try {
      if (known) await client.update(configmaps, { ...known, metadata: { ...known.metadata, annotations }, data }, { signal });
      else await client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, annotations }, data }, { signal });
    } catch (error) {
      if (!isNamespaceTerminating(error) && !isNotFound(error)) throw error;
    }
  },
});
