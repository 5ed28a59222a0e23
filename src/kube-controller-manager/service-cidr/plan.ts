import type { IPAddress, ServiceCIDR } from "../../api/generated/networking-v1.ts";
import { timeMs } from "../../apimachinery/time.ts";
import { cidrContains, cidrHasHost, parseCidr, parseIp, type Cidr, type Ip } from "../../stdx/ip.ts";

/** Held by every ServiceCIDR, so that none goes while addresses still come from it. */
export const protectionFinalizer = "networking.k8s.io/service-cidr-finalizer";
/** Until every API server has heard that a range is on its way out, one may still take an address from it. */
const deletionGraceMs = 10_000;

export interface ReadyCondition { readonly status: "True" | "False"; readonly reason: string; readonly message: string }
export type ServiceCidrStep =
  | { readonly is: "condition"; readonly condition: ReadyCondition }
  | { readonly is: "addFinalizer" }
  | { readonly is: "removeFinalizer" }
  | { readonly is: "wait"; readonly forMs: number }
  | { readonly is: "nothing" };

export const readyCondition: ReadyCondition = { status: "True", reason: "", message: "Kubernetes Service CIDR is ready" };
export const terminatingCondition: ReadyCondition = {
  status: "False", reason: "Terminating", message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
};

const rangesOf = ({ spec }: ServiceCIDR): readonly Cidr[] => (spec?.cidrs ?? []).map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
const rangeContains = (outer: Cidr, inner: Cidr): boolean => outer.prefix <= inner.prefix && cidrContains(outer, inner.ip);

export const holdsAddress = (object: ServiceCIDR, ip: Ip): boolean => rangesOf(object).some((range) => cidrHasHost(range, ip));
export const overlaps = (a: ServiceCIDR, b: ServiceCIDR): boolean => rangesOf(a).some((one) => rangesOf(b).some((other) => rangeContains(one, other) || rangeContains(other, one)));

/** Addresses that the API server has given to Services. */
export const isAllocated = ({ metadata }: IPAddress): boolean => metadata.labels?.["ipaddress.kubernetes.io/managed-by"] === "ipallocator.k8s.io";

/** Whether no Service would lose its range: either others contain all of it, or no address depends on it alone. */
export function mayGo(object: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const others = all.filter(({ metadata }) => metadata.name !== object.metadata.name);
  if (rangesOf(object).every((range) => others.some((other) => rangesOf(other).some((outer) => rangeContains(outer, range))))) return true;
  return addresses.filter(isAllocated).every(({ metadata: { name = "" } }) => {
    const ip = parseIp(name);
    return ip === undefined || !holdsAddress(object, ip) || others.some((other) => holdsAddress(other, ip));
  });
}

/** The next step for one ServiceCIDR. */
export function planServiceCidr(object: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly IPAddress[], nowMs: number): ServiceCidrStep {
  const isProtected = object.metadata.finalizers?.includes(protectionFinalizer) === true;
  if (object.metadata.deletionTimestamp !== undefined) {
    if (!mayGo(object, all, addresses)) return hasCondition(object, terminatingCondition) ? { is: "nothing" } : { is: "condition", condition: terminatingCondition };
    const forMs = deletionGraceMs - (nowMs - (timeMs(object.metadata.deletionTimestamp) ?? 0));
    return forMs > 0 ? { is: "wait", forMs } : isProtected ? { is: "removeFinalizer" } : { is: "nothing" };
  }
  if (!isProtected) return { is: "addFinalizer" };
  return hasCondition(object, readyCondition) ? { is: "nothing" } : { is: "condition", condition: readyCondition };
}

function hasCondition({ status }: ServiceCIDR, { status: wanted, reason, message }: ReadyCondition): boolean {
  const present = status?.conditions?.find(({ type }) => type === "Ready");
  return present?.status === wanted && (present.reason ?? "") === reason && present.message === message;
}
