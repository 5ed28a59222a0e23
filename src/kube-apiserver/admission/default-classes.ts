import { persistentvolumeclaims, type PersistentVolumeClaim } from "../../api/generated/core-v1.ts";
import { ingressclasses, ingresses, type Ingress } from "../../api/generated/networking-v1.ts";
import { storageclasses } from "../../api/generated/storage-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import type { AdmissionPlugin, ClusterReader } from "../access.ts";
import { handlesOnly } from "./plugin.ts";

/** Of several defaults the newest counts, then the first by name. */
function defaultOf(classes: readonly KubeObject[], ...annotations: readonly string[]): string | undefined {
  const createdOf = ({ metadata: { creationTimestamp } }: KubeObject): number => Date.parse(creationTimestamp ?? "") || 0;
  const nameOf = ({ metadata: { name = "" } }: KubeObject): string => name;
  const defaults = classes.filter(({ metadata }) => annotations.some((annotation) => metadata.annotations?.[annotation] === "true"));
  return defaults.toSorted((a, b) => createdOf(b) - createdOf(a) || (nameOf(a) < nameOf(b) ? -1 : 1))[0]?.metadata.name;
}

/** Claims that name no storage class get the default one; "" is a name: it asks for none. */
export const defaultStorageClass = (cluster: ClusterReader): AdmissionPlugin => ({
  name: "DefaultStorageClass",
  handles: handlesOnly(persistentvolumeclaims, "CREATE"),
  mutate({ object }) {
    const claim = object as PersistentVolumeClaim;
    if (claim.spec?.storageClassName !== undefined || claim.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] !== undefined) return claim;
    const name = defaultOf(cluster.list(storageclasses), "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class");
    return name === undefined ? claim : { ...claim, spec: { ...claim.spec, storageClassName: name } };
  },
});

/** Ingresses that name no class get the default one. */
export const defaultIngressClass = (cluster: ClusterReader): AdmissionPlugin => ({
  name: "DefaultIngressClass",
  handles: handlesOnly(ingresses, "CREATE"),
  mutate({ object }) {
    const ingress = object as Ingress;
    if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.["kubernetes.io/ingress.class"] !== undefined) return ingress;
    const name = defaultOf(cluster.list(ingressclasses), "ingressclass.kubernetes.io/is-default-class");
    return name === undefined ? ingress : { ...ingress, spec: { ...ingress.spec, ingressClassName: name } };
  },
});
