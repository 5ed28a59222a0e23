import type { Node, Pod, Service } from "../../api/generated/core-v1.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../api/generated/discovery-v1.ts";
import { stableJson } from "../../apimachinery/hash.ts";
import { equal } from "../../stdx/equal.ts";
import { controllerReference } from "../shared/owner.ts";
import { isReady } from "../shared/pods.ts";
import { addressesOf, hasAddress, hostnameOf, isHeadless, isIpv6, targetPortOf } from "../shared/service-pods.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const managerName = "endpointslice-controller.k8s.io";
const headlessLabel = "service.kubernetes.io/headless";
export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";
const reservedLabels: ReadonlySet<string> = new Set([serviceNameLabel, managedByLabel, headlessLabel]);
const endpointsPerSliceMax = 100;

export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

export interface SliceInput {
  readonly service: Service;
  /** Those that the service selects. */
  readonly pods: readonly Pod[];
  readonly nodeOf: (name: string) => Node | undefined;
  /** The slices of this service that this controller made. */
  readonly slices: readonly EndpointSlice[];
  readonly triggerTime: string | undefined;
}

/** Changes as few slices as possible: what stays, stays where it is; what is new fills the slices that change anyway, then others, then new ones. */
export function planSlices(input: SliceInput): SlicePlan {
  const { service, slices } = input;
  const live = slices.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const types = addressTypesOf(service);
  const plans = types.map((addressType) => planOfType(addressType, live.filter((slice) => slice.addressType === addressType), input));
  return {
    create: plans.flatMap(({ create }) => create),
    update: plans.flatMap(({ update }) => update),
    remove: [...plans.flatMap(({ remove }) => remove), ...live.filter(({ addressType }) => !types.includes(addressType))],
  };
}

function addressTypesOf({ spec }: Service): readonly string[] {
  const families = spec?.ipFamilies ?? [];
  if (families.length > 0) return families;
  return [isIpv6(spec?.clusterIP ?? "") ? "IPv6" : "IPv4"];
}

function planOfType(addressType: string, slices: readonly EndpointSlice[], input: SliceInput): SlicePlan {
  const desired = desiredByPorts(addressType, input);
  const plans = [...desired].map(([ports, endpoints]) => planOfPorts(addressType, endpoints, slices.filter((slice) => portsKey(slice.ports) === ports), JSON.parse(ports) as EndpointPort[], input));
  const create = plans.flatMap(({ create: each }) => each);
  const update = plans.flatMap(({ update: each }) => each);
  const remove = [...plans.flatMap(({ remove: each }) => each), ...slices.filter((slice) => !desired.has(portsKey(slice.ports)))];

  // A service without endpoints keeps one empty slice, so that readers can tell it from one that nobody has looked at.
  if (desired.size > 0) return { create, update, remove };
  const [placeholder, ...others] = slices.filter(({ endpoints, ports }) => (endpoints ?? []).length === 0 && (ports ?? []).length === 0);
  if (!placeholder) return { create: [newSlice(addressType, [], [], input)], update, remove };
  const next = withMetadata(placeholder, input);
  return { create: [], update: next === placeholder ? [] : [next], remove: [...remove.filter((slice) => slice !== placeholder), ...others.filter((slice) => !remove.includes(slice))] };
}

function planOfPorts(addressType: string, desired: readonly Endpoint[], slices: readonly EndpointSlice[], ports: readonly EndpointPort[], input: SliceInput): SlicePlan {
  const missing = new Map(desired.map((endpoint) => [identity(endpoint), endpoint]));
  const kept = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const known of slice.endpoints ?? []) {
      const wanted = missing.get(identity(known));
      if (!wanted) continue;
      missing.delete(identity(known));
      endpoints.push(equal(wanted, known) ? known : wanted);
    }
    return { slice, endpoints, changed: !equal(endpoints, slice.endpoints ?? []) };
  });

  // Slices that change anyway take new endpoints first, the fullest of the others next, so that few are written.
  const rest = [...missing.values()];
  const hosts = kept.toSorted((a, b) => Number(b.changed) - Number(a.changed) || b.endpoints.length - a.endpoints.length);
  for (const host of hosts) {
    if (rest.length === 0) break;
    if (host.endpoints.length === 0 && !host.changed) continue;
    const added = rest.splice(0, endpointsPerSliceMax - host.endpoints.length);
    host.endpoints.push(...added);
    host.changed ||= added.length > 0;
  }

  const create: EndpointSlice[] = [];
  while (rest.length > 0) create.push(newSlice(addressType, rest.splice(0, endpointsPerSliceMax), ports, input));
  const filled = kept.filter(({ endpoints }) => endpoints.length > 0);
  return {
    create,
    update: filled.flatMap(({ slice, endpoints, changed }) => {
      const next = withMetadata(changed ? { ...slice, endpoints } : slice, input, changed);
      return next === slice ? [] : [next];
    }),
    remove: kept.filter(({ endpoints }) => endpoints.length === 0).map(({ slice }) => slice),
  };
}

const identity = ({ targetRef, addresses }: Endpoint): string => targetRef?.uid ?? addresses.join(",");
const portsKey = (ports: readonly EndpointPort[] | undefined): string =>
  stableJson((ports ?? []).map(({ name = "", protocol = "TCP", ...port }) => ({ name, protocol, ...port })).toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)));

/** Endpoints by the ports that they serve: named ports may lead to different numbers on different pods. */
function desiredByPorts(addressType: string, input: SliceInput): ReadonlyMap<string, Endpoint[]> {
  const { service, pods, nodeOf } = input;
  const byPorts = new Map<string, Endpoint[]>();
  for (const pod of pods) {
    if (!hasAddress(pod, { includeTerminating: true })) continue;
    const addresses = addressesOf(pod).filter((ip) => isIpv6(ip) === (addressType === "IPv6"));
    const node = nodeOf(pod.spec?.nodeName ?? "");
    if (addresses.length === 0 || (!node && service.spec?.publishNotReadyAddresses !== true)) continue;
    const ports = portsOf(service, pod);
    if (ports.length === 0 && !(isHeadless(service) && (service.spec?.ports ?? []).length === 0)) continue;
    const key = portsKey(ports);
    const endpoint = endpointOf(service, pod, addresses, node);
    const known = byPorts.get(key);
    if (known) known.push(endpoint);
    else byPorts.set(key, [endpoint]);
  }
  return byPorts;
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort);
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    return port === undefined ? [] : [{ name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

function endpointOf(service: Service, pod: Pod, addresses: readonly string[], node: Node | undefined): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  const zone = node?.metadata.labels?.["topology.kubernetes.io/zone"];
  const hostname = hostnameOf(pod, service);
  return {
    addresses,
    conditions: { ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating },
    targetRef: { kind: "Pod", namespace, name, uid },
    ...(pod.spec?.nodeName && { nodeName: pod.spec.nodeName }), ...(zone && { zone }), ...(hostname !== undefined && { hostname }),
  };
}

function labelsOf(service: Service): Readonly<Record<string, string>> {
  const own = Object.entries(service.metadata.labels ?? {}).filter(([key]) => !reservedLabels.has(key));
  return { ...Object.fromEntries(own), ...(isHeadless(service) && { [headlessLabel]: "" }), [serviceNameLabel]: service.metadata.name ?? "", [managedByLabel]: managerName };
}

function newSlice(addressType: string, endpoints: readonly Endpoint[], ports: readonly EndpointPort[], { service, triggerTime }: SliceInput): EndpointSlice {
  const { name = "", namespace = "" } = service.metadata;
  return {
    apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice",
    metadata: {
      generateName: `${name.slice(0, 56)}-`, namespace, labels: labelsOf(service), ownerReferences: [controllerReference(service)],
      ...(triggerTime !== undefined && { annotations: { [triggerTimeAnnotation]: triggerTime } }),
    },
    addressType, endpoints, ports,
  };
}

/** The slice with the labels that its service gives it now; the same object when nothing differs. */
function withMetadata(slice: EndpointSlice, { service, triggerTime }: SliceInput, changed = false): EndpointSlice {
  const labels = labelsOf(service);
  if (!changed && equal(labels, slice.metadata.labels ?? {})) return slice;
  const { [triggerTimeAnnotation]: _, ...others } = slice.metadata.annotations ?? {};
  const annotations = { ...others, ...(triggerTime !== undefined && { [triggerTimeAnnotation]: triggerTime }) };
  return { ...slice, metadata: { ...slice.metadata, labels, annotations } };
}
