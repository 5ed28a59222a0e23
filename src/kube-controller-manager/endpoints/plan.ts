import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from "../../api/generated/core-v1.ts";
import { stableJson } from "../../apimachinery/hash.ts";
import { equal } from "../../stdx/equal.ts";
import { isReady } from "../shared/pods.ts";
import { addressesOf, hasAddress, hostnameOf, isHeadless, isIpv6, targetPortOf } from "../shared/service-pods.ts";

const headlessLabel = "service.kubernetes.io/headless";
const managedByLabel = "endpoints.kubernetes.io/managed-by";
const managerName = "endpoint-controller";
export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";
const overCapacityAnnotation = "endpoints.kubernetes.io/over-capacity";
/** One object holds all addresses of a Service: more than these would make it too heavy for every reader. */
const addressesMax = 1000;

/** What the Endpoints of a service should be; undefined when `known` is that already. */
export function planEndpoints(service: Service, pods: readonly Pod[], known: Endpoints | undefined, triggerTime: string | undefined): Endpoints | undefined {
  const { subsets, truncated } = truncate(subsetsOf(service, pods));
  const labels = { ...service.metadata.labels, [managedByLabel]: managerName };
  const { [headlessLabel]: _, ...plain } = labels as Readonly<Record<string, string>>;
  const wanted = isHeadless(service) ? { ...plain, [headlessLabel]: "" } : plain;
  const isTold = (known?.metadata.annotations?.[overCapacityAnnotation] === "truncated") === truncated;
  if (known && equal(known.subsets ?? [], subsets) && equal(known.metadata.labels ?? {}, wanted) && isTold) return undefined;

  const { [triggerTimeAnnotation]: __, [overCapacityAnnotation]: ___, ...others } = known?.metadata.annotations ?? {};
  const annotations = { ...others, ...(triggerTime !== undefined && { [triggerTimeAnnotation]: triggerTime }), ...(truncated && { [overCapacityAnnotation]: "truncated" }) };
  const { name = "", namespace = "" } = service.metadata;
  const metadata = { ...(known?.metadata ?? { name, namespace }), labels: wanted, annotations };
  return { apiVersion: "v1", kind: "Endpoints", metadata, ...(subsets.length > 0 && { subsets }) };
}

interface Found { readonly address: EndpointAddress; readonly ready: boolean; readonly port: EndpointPort | undefined }

/** Addresses with the same ports stand together; addresses, ports and subsets have one order, so that equal means equal. */
function subsetsOf(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const includeTerminating = service.spec?.publishNotReadyAddresses === true;
  const found = pods.filter((pod) => hasAddress(pod, { includeTerminating })).flatMap((pod) => foundOf(service, pod));
  const byAddress = new Map<string, { readonly address: EndpointAddress; readonly ready: boolean; readonly ports: EndpointPort[] }>();
  for (const { address, ready, port } of found) {
    const key = `${address.ip} ${address.targetRef?.uid ?? ""}`;
    const known = byAddress.get(key) ?? { address, ready, ports: [] };
    if (port && !known.ports.some((each) => equal(each, port))) known.ports.push(port);
    byAddress.set(key, known);
  }
  const byPorts = new Map<string, { readonly ports: readonly EndpointPort[]; readonly ready: EndpointAddress[]; readonly notReady: EndpointAddress[] }>();
  for (const { address, ready, ports } of byAddress.values()) {
    const sorted = ports.toSorted((a, b) => (stableJson(a) < stableJson(b) ? -1 : 1));
    const key = stableJson(sorted);
    const known = byPorts.get(key) ?? { ports: sorted, ready: [], notReady: [] };
    (ready ? known.ready : known.notReady).push(address);
    byPorts.set(key, known);
  }
  const byIp = (a: EndpointAddress, b: EndpointAddress) => (`${a.ip} ${a.targetRef?.uid ?? ""}` < `${b.ip} ${b.targetRef?.uid ?? ""}` ? -1 : 1);
  return [...byPorts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, { ports, ready, notReady }]) => ({
    ...(ready.length > 0 && { addresses: ready.toSorted(byIp) }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady.toSorted(byIp) }),
    ...(ports.length > 0 && { ports }),
  }));
}

function foundOf(service: Service, pod: Pod): Found[] {
  const wantsIpv6 = (service.spec?.ipFamilies?.[0] ?? (isIpv6(service.spec?.clusterIP ?? "") ? "IPv6" : "IPv4")) === "IPv6";
  const ip = addressesOf(pod).find((each) => isIpv6(each) === wantsIpv6);
  if (ip === undefined) return [];
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  const hostname = hostnameOf(pod, service);
  const address: EndpointAddress = {
    ip, ...(hostname !== undefined && { hostname }), ...(pod.spec?.nodeName && { nodeName: pod.spec.nodeName }), targetRef: { kind: "Pod", namespace, name, uid },
  };
  const ready = service.spec?.publishNotReadyAddresses === true || isReady(pod);
  const ports = service.spec?.ports ?? [];
  if (ports.length === 0) return isHeadless(service) ? [{ address, ready, port: undefined }] : [];
  return ports.flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort);
    const { name: portName, protocol = "TCP", appProtocol } = servicePort;
    return port === undefined ? [] : [{ address, ready, port: { ...(portName && { name: portName }), port, protocol, ...(appProtocol !== undefined && { appProtocol }) } }];
  });
}

/** Ready addresses count first; what must go goes from each subset in proportion. */
function truncate(subsets: readonly EndpointSubset[]): { readonly subsets: readonly EndpointSubset[]; readonly truncated: boolean } {
  const count = (field: "addresses" | "notReadyAddresses") => subsets.reduce((total, subset) => total + (subset[field]?.length ?? 0), 0);
  const [ready, notReady] = [count("addresses"), count("notReadyAddresses")];
  if (ready + notReady <= addressesMax) return { subsets, truncated: false };
  const field = ready > addressesMax ? "addresses" : "notReadyAddresses";
  const room = field === "addresses" ? addressesMax : addressesMax - ready;
  const total = field === "addresses" ? ready : notReady;
  let left = room;
  return {
    truncated: true,
    subsets: subsets.map((subset) => {
      const list = subset[field] ?? [];
      const kept = list.slice(0, Math.min(Math.ceil((list.length / total) * room), left));
      left -= kept.length;
      const { addresses, notReadyAddresses: _, ...rest } = subset;
      const next = field === "addresses" ? { addresses: kept, notReadyAddresses: [] } : { addresses: addresses ?? [], notReadyAddresses: kept };
      return { ...(next.addresses.length > 0 && { addresses: next.addresses }), ...(next.notReadyAddresses.length > 0 && { notReadyAddresses: next.notReadyAddresses }), ...rest };
    }),
  };
}
