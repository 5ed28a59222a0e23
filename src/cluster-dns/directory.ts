import { namespaces, services, type Namespace, type Service } from "../api/generated/core-v1.ts";
import { endpointslices, type EndpointSlice } from "../api/generated/discovery-v1.ts";
import type { Informers } from "../client/informers.ts";
import type { Directory } from "./records.ts";

const serviceNameLabel = "kubernetes.io/service-name";

/** The cluster as its names need it, over the process's informers: every question is answered from an index. */
export function informerDirectory(informers: Informers): Directory & { whenSynced(signal: AbortSignal): Promise<void> } {
  const [namespaceInformer, serviceInformer, sliceInformer] = [informers.of<Namespace>(namespaces), informers.of<Service>(services), informers.of<EndpointSlice>(endpointslices)];
  serviceInformer.cache.addIndex("clusterIp", ({ spec }) => (spec?.clusterIPs ?? []).filter((ip) => ip !== "None"));
  sliceInformer.cache.addIndex("service", ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.[serviceNameLabel] ?? ""}`]);
  sliceInformer.cache.addIndex("endpointIp", ({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));
  return {
    service: (namespace, name) => serviceInformer.cache.get(`${namespace}/${name}`),
    slices: (namespace, service) => sliceInformer.cache.by("service", `${namespace}/${service}`),
    hasNamespace: (namespace) => namespaceInformer.cache.get(namespace) !== undefined,
    serviceByIp: (ip) => serviceInformer.cache.by("clusterIp", ip)[0],
    slicesByIp: (ip) => sliceInformer.cache.by("endpointIp", ip),
    whenSynced: async (signal) => void (await Promise.all([namespaceInformer, serviceInformer, sliceInformer].map((each) => each.whenSynced(signal)))),
  };
}
