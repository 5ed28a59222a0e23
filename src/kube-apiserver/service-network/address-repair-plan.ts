import type { Service } from "../../api/generated/core-v1.ts";
import type { IPAddress } from "../../api/generated/networking-v1.ts";
import { timeMs } from "../../apimachinery/time.ts";
import { familyOfText } from "./address-ranges.ts";
import { allocator, familyLabel, managedByLabel } from "./cluster-ips.ts";
import { addressesOf } from "./service-spec.ts";

/** A claim that no Service stands behind after this was left by a server that ended in between: longer than any request lasts. */
const abandonedMs = 60_000;
/** A claim beside a Service that exists already is about to be given back by whoever lost the race to create it. */
const losingMs = 5_000;

/** What the plan may look at. */
export interface Present {
  address(ip: string): IPAddress | undefined;
  service(namespace: string, name: string): Service | undefined;
  /** Whether any ServiceCIDR holds it. */
  inRange(ip: string): boolean;
}

export interface Told { readonly reason: string; readonly note: string }
export type ServiceRepair =
  | { readonly is: "report"; readonly told: Told }
  | { readonly is: "create"; readonly ip: string; readonly told: Told }
  | { readonly is: "recreate"; readonly ip: string; readonly told?: Told };

/** What has to be done so that each address of a Service has an IPAddress that names it; cases, reasons and notes of upstream's repair controller. */
export function planServiceRepair(service: Service, present: Present): readonly ServiceRepair[] {
  const { namespace = "", name = "" } = service.metadata;
  return addressesOf(service).flatMap((ip): readonly ServiceRepair[] => {
    const family = familyOfText(ip);
    const about = (reason: string, note: string): Told => ({ reason, note });
    if (!present.inRange(ip)) return [{ is: "report", told: about("ClusterIPOutOfRange", `Cluster IP [${family}]: ${ip} is not within any configured Service CIDR; please recreate service`) }];
    const address = present.address(ip);
    if (!address) return [{ is: "create", ip, told: about("ClusterIPNotAllocated", `Cluster IP [${family}]: ${ip} is not allocated; repairing`) }];
    const { group = "", resource, namespace: parentNamespace = "", name: parentName = "" } = address.spec?.parentRef ?? { name: "", resource: "" };
    const wrong = about("ClusterIPNotAllocated", `the ClusterIP [${family}]: ${ip} for Service ${namespace}/${name} has a wrong reference; repairing`);
    if (group !== "" || resource !== "services") return [{ is: "recreate", ip, told: wrong }];
    if (parentNamespace !== namespace || parentName !== name) {
      const parent = present.service(parentNamespace, parentName);
      if (!parent) return [{ is: "recreate", ip, told: wrong }];
      return addressesOf(parent).includes(ip)
        ? [{ is: "report", told: about("ClusterIPAlreadyAllocated", `Cluster IP [${family}]:${ip} was assigned to multiple services; please recreate service`) }] : [];
    }
    return address.metadata.labels?.[familyLabel] === family && address.metadata.labels[managedByLabel] === allocator ? [] : [{ is: "recreate", ip }];
  });
}

export type AddressRepair =
  | { readonly is: "keep" }
  | { readonly is: "wait"; readonly forMs: number }
  | { readonly is: "delete"; readonly told: Told };

/** What has to be done so that an IPAddress of ours stands for an address that its Service has. */
export function planAddressRepair(address: IPAddress, present: Pick<Present, "service">, nowMs: number): AddressRepair {
  const { metadata: { name: ip = "", labels, creationTimestamp }, spec } = address;
  if (labels?.[managedByLabel] !== allocator) return { is: "keep" };
  const { group = "", resource = "", namespace = "", name = "" } = spec?.parentRef ?? { name: "" };
  const remove = (reason: string, note: string): AddressRepair => ({ is: "delete", told: { reason, note } });
  if (group !== "" || resource !== "services") {
    return remove("IPAddressNotAllocated", `IPAddress ${ip} appears to have been modified, not referencing a Service ${JSON.stringify(spec?.parentRef ?? null)}: cleaning up`);
  }
  const ageMs = nowMs - (timeMs(creationTimestamp) ?? 0);
  const service = present.service(namespace, name);
  if (!service) {
    if (ageMs <= abandonedMs) return { is: "wait", forMs: abandonedMs - ageMs + 1 };
    return remove("IPAddressNotAllocated", `IPAddress: ${ip} for Service ${namespace}/${name} appears to have leaked: cleaning up`);
  }
  if (addressesOf(service).includes(ip)) return { is: "keep" };
  // Such a Service is about to get an address.
  if (service.spec?.type === "ExternalName" && ageMs < abandonedMs) return { is: "wait", forMs: abandonedMs - ageMs };
  if (ageMs < losingMs && ageMs < nowMs - (timeMs(service.metadata.creationTimestamp) ?? 0)) return { is: "wait", forMs: losingMs };
  return remove("IPAddressWrongReference", `IPAddress: ${ip} for Service ${namespace}/${name} has a wrong reference; cleaning up`);
}
