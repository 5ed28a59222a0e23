import type { ContainerPort, Pod, Service, ServicePort } from "../../api/generated/core-v1.ts";
import { matcherOfLabels, matchesLabels } from "../../apimachinery/label-selector.ts";
import { keyOf } from "../../apimachinery/object.ts";
import { services } from "../../api/generated/core-v1.ts";
import type { Change } from "../../client/cache.ts";
import { cacheOf, type Context } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { isFinished, isReady } from "./pods.ts";

export const isIpv6 = (ip: string): boolean => ip.includes(":");
export const isHeadless = ({ spec }: Service): boolean => (spec?.clusterIP ?? "") === "" || spec?.clusterIP === "None";

/** Services whose endpoints are ours to keep: those that select pods. */
export const selectsPods = ({ spec }: Service): boolean => spec?.selector !== undefined && spec.type !== "ExternalName";

/** Whether traffic could ever go to the pod. */
export const hasAddress = (pod: Pod, { includeTerminating }: { readonly includeTerminating: boolean }): boolean =>
  !isFinished(pod) && addressesOf(pod).length > 0 && (includeTerminating || pod.metadata.deletionTimestamp === undefined);

export const addressesOf = ({ status }: Pod): readonly string[] => status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []);

/** Pods get a name of their own within a headless service of the name of their subdomain. */
export const hostnameOf = ({ metadata, spec }: Pod, service: Service): string | undefined =>
  spec?.hostname && spec.subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace ? spec.hostname : undefined;

/** The port on the pod that a service's port leads to; undefined when the pod has none of that name. */
export function targetPortOf(pod: Pod, { targetPort, port, protocol = "TCP" }: ServicePort): number | undefined {
  if (targetPort === undefined || targetPort === "" || targetPort === 0) return port;
  if (typeof targetPort === "number") return targetPort;
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const named = [...(pod.spec?.containers ?? []), ...sidecars].flatMap(({ ports = [] }) => ports as readonly ContainerPort[]);
  return named.find((each) => each.name === targetPort && (each.protocol ?? "TCP") === protocol)?.containerPort;
}

/** Keys of the services that a change of a pod concerns; none when nothing changed that endpoints show. */
export function servicesOfPod({ previous, next }: Change<Pod>, context: Context): Iterable<string> {
  if (previous && next && equal(shown(previous), shown(next))) return [];
  const pods = [previous, next].filter((pod) => pod !== undefined);
  const namespace = (next ?? previous)?.metadata.namespace ?? "";
  return cacheOf(context, services).inNamespace(namespace)
    .filter((service) => selectsPods(service) && pods.some((pod) => matchesLabels(matcherOfLabels(service.spec?.selector), pod.metadata.labels)))
    .map(keyOf);
}

const shown = (pod: Pod) => [
  pod.metadata.uid, pod.metadata.labels, pod.metadata.deletionTimestamp !== undefined, isFinished(pod), isReady(pod), addressesOf(pod), pod.spec?.nodeName, pod.spec?.hostname, pod.spec?.subdomain,
];

/** The pods that a service selects. */
export function podsOf(service: Service, pods: readonly Pod[]): Pod[] {
  const matcher = matcherOfLabels(service.spec?.selector);
  return pods.filter(({ metadata }) => matchesLabels(matcher, metadata.labels));
}

/** When the newest of these pods became what it is now: the start of the time that the network takes to follow. */
export function triggerTime(service: Service, pods: readonly Pod[]): string | undefined {
  const times = [
    ...pods.map(({ status }) => status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime),
    service.metadata.creationTimestamp ?? undefined,
  ].filter((time) => time !== undefined);
  return times.toSorted().at(-1);
}
