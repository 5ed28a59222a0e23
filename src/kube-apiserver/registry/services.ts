import { services, type Service, type ServicePort } from "../../api/generated/core-v1.ts";
import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { internalStatusError, invalidError } from "../../apimachinery/status-error.ts";
import { equal } from "../../stdx/equal.ts";
import { unavailable } from "../store-error.ts";
import type { Random } from "../../stdx/random.ts";
import type { ClusterReader } from "../access.ts";
import { NumberAllocator } from "./number-allocator.ts";
import type { Begun, RegistryHooks, WriteContext } from "./registry.ts";
import type { ServiceClaims } from "./service-claims.ts";

export interface ServiceAllocationOptions {
  /** "10.96.0.0/16"; IPv4. */
  readonly clusterIpRange: string;
  readonly nodePortRange: { readonly first: number; readonly last: number };
  readonly reader: ClusterReader;
  readonly random: Random;
  /** Only where other servers hand out of the same range; `fresh` resolves when what they have done is known here. */
  readonly shared?: { readonly claims: ServiceClaims; readonly fresh: () => Promise<void> | undefined };
}

/** How often a number is taken anew, after another server was faster. */
const claimsMax = 32;

type Spec = NonNullable<Service["spec"]>;

const toNumber = (ip: string): number => ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const toText = (address: number): string => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
const isIpv4 = (ip: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(ip) && ip.split(".").every((part) => Number(part) < 256);

/** Addresses between the network's own and its broadcast address. */
function addressRange(cidr: string): { readonly base: number; readonly size: number } {
  const [ip = "", bits = "32"] = cidr.split("/");
  const count = 2 ** (32 - Number(bits));
  const base = Math.floor(toNumber(ip) / count) * count;
  return { base, size: Math.max(count - 2, 0) };
}

const needsClusterIp = ({ type = "ClusterIP" }: Spec): boolean => type !== "ExternalName";
const needsNodePort = ({ type }: Spec): boolean => type === "NodePort" || type === "LoadBalancer";
const needsHealthPort = ({ type, externalTrafficPolicy }: Spec): boolean => type === "LoadBalancer" && externalTrafficPolicy === "Local";
const allocatesNodePorts = (spec: Spec): boolean => spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
const isHeadless = ({ clusterIP, clusterIPs }: Spec): boolean => clusterIP === "None" || clusterIPs?.[0] === "None";

/** What a service holds: addresses and ports. */
function heldBy({ spec }: Service): { readonly ips: readonly string[]; readonly ports: readonly number[] } {
  if (!spec) return { ips: [], ports: [] };
  const ports = new Set((spec.ports ?? []).map(({ nodePort = 0 }) => nodePort).filter((port) => port > 0));
  if ((spec.healthCheckNodePort ?? 0) > 0) ports.add(spec.healthCheckNodePort ?? 0);
  return { ips: needsClusterIp(spec) ? (spec.clusterIPs ?? []).filter((ip) => isIpv4(ip)) : [], ports: [...ports] };
}

/**
 * Gives cluster IPs and node ports to Services. What is taken is known from the Services themselves, so that it is right after every restart;
 * while a write is under way, what it takes is held for it, and given back if the write fails.
 */
export class ServiceAllocation {
  readonly #range: { readonly base: number; readonly size: number };
  readonly #options: ServiceAllocationOptions;
  readonly #ips: NumberAllocator;
  readonly #ports: NumberAllocator;

  constructor(options: ServiceAllocationOptions) {
    const { clusterIpRange, nodePortRange: { first, last }, random, reader } = options;
    this.#options = options;
    this.#range = addressRange(clusterIpRange);
    const { size } = this.#range;
    this.#ips = new NumberAllocator({ size, reservedForRequests: size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256), random });
    const ports = last - first + 1;
    this.#ports = new NumberAllocator({ size: ports, reservedForRequests: ports < 32 ? 0 : Math.min(Math.max(16, Math.floor(ports / 32)), 128), random });
    if (!options.shared) for (const service of reader.list(services)) this.#hold(service);
  }

  get hooks(): RegistryHooks {
    return {
      beginCreate: (object, context) => this.#begin(object as Service, undefined, context),
      beginUpdate: (next, previous, context) => (context.subresource === "" ? this.#begin(next as Service, previous as Service, context) : { object: next, end: () => undefined }),
      afterDelete: (object) => this.#afterDelete(object as Service),
    };
  }

  #ipNumber(ip: string): number | undefined {
    const number = toNumber(ip) - this.#range.base - 1;
    return number >= 0 && number < this.#range.size ? number : undefined;
  }
  #portNumber(port: number): number | undefined {
    const { first, last } = this.#options.nodePortRange;
    return port >= first && port <= last ? port - first : undefined;
  }

  #hold(service: Service): void {
    const { ips, ports } = heldBy(service);
    for (const ip of ips) this.#each(this.#ips, this.#ipNumber(ip), "hold");
    for (const port of ports) this.#each(this.#ports, this.#portNumber(port), "hold");
  }
  #release(service: Service): void {
    const { ips, ports } = heldBy(service);
    for (const ip of ips) this.#each(this.#ips, this.#ipNumber(ip), "release");
    for (const port of ports) this.#each(this.#ports, this.#portNumber(port), "release");
  }
  #each(allocator: NumberAllocator, number: number | undefined, how: "hold" | "release"): void {
    if (number !== undefined) allocator[how](number);
  }

  #allocated(service: Service, spec: Spec, previous: Service | undefined): Service {
    const had = previous ? heldBy(previous) : { ips: [], ports: [] };
    const prepared = previous?.spec ? carriedOver(spec, previous.spec) : normalized(spec);
    const withIp = this.#withClusterIp(service, prepared, had.ips);
    return { ...service, spec: this.#withNodePorts(service, withIp, had.ports) };
  }

  #afterDelete(service: Service): void | Promise<void> {
    const { shared } = this.#options;
    return shared ? this.#giveBack(service, heldBy(service), shared.claims) : this.#release(service);
  }

  async #giveBack({ metadata: { namespace = "", name = "" } }: Service, { ips, ports }: ReturnType<typeof heldBy>, claims: ServiceClaims): Promise<void> {
    for (const ip of ips) if (this.#ipNumber(ip) !== undefined) await claims.releaseIp(ip, { namespace, name });
    await claims.releasePorts(ports.filter((port) => this.#portNumber(port) !== undefined));
  }

  /** Held in memory are only the numbers of writes under way; those of Services are read from them each time, since others write them as well. */
  async #beginShared(service: Service, spec: Spec, previous: Service | undefined, dryRun: boolean, { claims, fresh }: NonNullable<ServiceAllocationOptions["shared"]>): Promise<Begun> {
    const { namespace = "", name = "" } = service.metadata;
    const had = previous ? heldBy(previous) : { ips: [], ports: [] };
    const lost = { ips: new Set<number>(), ports: new Set<number>() };
    for (let attempt = 0; attempt < claimsMax; attempt++) {
      await fresh();
      const held = this.#options.reader.list(services).map(heldBy);
      const [ips, ports] = [new Set(held.flatMap((each) => each.ips)), new Set(held.flatMap((each) => each.ports))];
      const numbers = (values: Iterable<number | undefined>): number[] => [...values].filter((value) => value !== undefined);
      this.#ips.elsewhere = new Set([...numbers([...ips].map((ip) => this.#ipNumber(ip))), ...lost.ips]);
      this.#ports.elsewhere = new Set([...numbers([...ports].map((port) => this.#portNumber(port))), ...lost.ports]);
      const object = this.#allocated(service, spec, previous);
      if (dryRun) return { object, end: () => undefined };
      this.#hold(object);
      const has = heldBy(object);
      const taken = { ips: [] as string[], ports: [] as number[] };
      const giveBack = async (): Promise<void> => {
        await this.#giveBack(service, taken, claims);
        this.#release(object);
      };
      try {
        let complete = true;
        for (const ip of has.ips) {
          const number = this.#ipNumber(ip);
          if (number === undefined || had.ips.includes(ip)) continue;
          if (await claims.claimIp(ip, { namespace, name }, !ips.has(ip))) taken.ips.push(ip);
          else {
            complete = false;
            lost.ips.add(number);
          }
        }
        const wanted = has.ports.filter((port) => this.#portNumber(port) !== undefined && !had.ports.includes(port));
        if (complete && wanted.length > 0) {
          const refused = await claims.claimPorts(wanted, (port) => !ports.has(port));
          if (refused === undefined) taken.ports.push(...wanted);
          else {
            complete = false;
            lost.ports.add(this.#portNumber(refused) ?? 0);
          }
        }
        if (complete) {
          return { object, end: async (committed) => {
            if (!committed) return await giveBack();
            this.#release(object);
            if (previous) await this.#giveBack(service, { ips: had.ips.filter((ip) => !has.ips.includes(ip)), ports: had.ports.filter((port) => !has.ports.includes(port)) }, claims);
          } };
        }
      } catch (error) {
        await giveBack();
        throw unavailable(error);
      }
      await giveBack();
    }
    throw internalStatusError("other servers took every address and port that was tried");
  }

  #begin(service: Service, previous: Service | undefined, { dryRun }: WriteContext): Begun | Promise<Begun> {
    if (!service.spec) return { object: service, end: () => undefined };
    if (this.#options.shared) return this.#beginShared(service, service.spec, previous, dryRun, this.#options.shared);
    const object = this.#allocated(service, service.spec, previous);
    // From here on others see these as taken; the old state's are given back when the new one is stored.
    if (!dryRun) this.#hold(object);
    return {
      object,
      end: (committed) => {
        if (dryRun) return;
        if (!committed) this.#release(object);
        else if (previous) this.#release(previous);
      },
    };
  }

  #refuse(service: Service, errors: readonly FieldError[]): never {
    throw invalidError({ group: "", kind: "Service" }, service.metadata.name ?? "", errors);
  }

  #withClusterIp(service: Service, spec: Spec, had: readonly string[]): Spec {
    if (!needsClusterIp(spec)) return spec;
    const selectorless = Object.keys(spec.selector ?? {}).length === 0;
    const policy = spec.ipFamilyPolicy ?? (isHeadless(spec) && selectorless ? "RequireDualStack" : "SingleStack");
    const families = spec.ipFamilies ?? [];
    if (isHeadless(spec)) {
      const first = families[0] ?? "IPv4";
      const both = selectorless && families.length < 2 && policy !== "SingleStack" ? [first, first === "IPv4" ? "IPv6" : "IPv4"] : families.length === 0 ? [first] : families;
      if (!selectorless && policy === "RequireDualStack") this.#refuse(service, [invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services")]);
      return { ...spec, clusterIP: "None", clusterIPs: spec.clusterIPs ?? ["None"], ipFamilyPolicy: policy, ipFamilies: both };
    }
    const errors = [
      ...(policy === "SingleStack" && (spec.clusterIPs ?? []).length === 2
        ? [invalid("spec.ipFamilyPolicy", policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified")] : []),
      ...(policy === "SingleStack" && families.length === 2
        ? [invalid("spec.ipFamilyPolicy", policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified")] : []),
      ...(spec.clusterIPs ?? []).flatMap((ip, index) => (ip.includes(":") && index >= families.length ? [invalid(`spec.clusterIPs[${index}]`, spec.clusterIPs, "IPv6 is not configured on this cluster")] : [])),
      ...(policy === "RequireDualStack" ? [invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services")] : []),
      ...families.flatMap((family, index) => (family === "IPv4" ? [] : [invalid(`spec.ipFamilies[${index}]`, family, "not configured on this cluster")])),
    ];
    if (errors.length > 0) this.#refuse(service, errors);

    const wanted = spec.clusterIPs?.[0] ?? spec.clusterIP ?? "";
    const clusterIP = wanted === "" ? this.#anyIp(service) : had.includes(wanted) ? wanted : this.#certainIp(service, wanted, spec.clusterIPs ?? [wanted]);
    return { ...spec, clusterIP, clusterIPs: [clusterIP], ipFamilyPolicy: policy, ipFamilies: families.length === 0 ? ["IPv4"] : families };
  }

  #anyIp(service: Service): string {
    const number = this.#ips.findFree();
    if (number === undefined) throw internalStatusError(`failed to allocate a serviceIP for Service ${JSON.stringify(service.metadata.name ?? "")}: range is full`);
    return toText(this.#range.base + 1 + number);
  }

  #certainIp(service: Service, ip: string, all: readonly string[]): string {
    // What is no address at all is told by the validation that follows.
    if (!isIpv4(ip)) return ip;
    const number = this.#ipNumber(ip);
    const problem = number === undefined
      ? `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${this.#options.clusterIpRange}`
      : this.#ips.isFree(number) ? undefined : "provided IP is already allocated";
    if (problem !== undefined) this.#refuse(service, [invalid("spec.clusterIPs", all, `failed to allocate IP ${ip}: ${problem}`)]);
    return ip;
  }

  #withNodePorts(service: Service, spec: Spec, had: readonly number[]): Spec {
    if (!needsNodePort(spec)) return spec;
    const taken = new Set<number>();
    const problemOf = (port: number): string | undefined => {
      const number = this.#portNumber(port);
      if (number === undefined) return `provided port is not in the valid range. The range of valid ports is ${this.#options.nodePortRange.first}-${this.#options.nodePortRange.last}`;
      return had.includes(port) || taken.has(port) || this.#ports.isFree(number) ? undefined : "provided port is already allocated";
    };
    const certain = (port: number, field: string): number => {
      const problem = problemOf(port);
      if (problem !== undefined) this.#refuse(service, [invalid(field, port, problem)]);
      taken.add(port);
      return port;
    };
    const any = (): number => {
      for (let tries = 0; tries < this.#ports.size; tries++) {
        const number = this.#ports.findFree();
        if (number === undefined) break;
        const port = this.#options.nodePortRange.first + number;
        if (taken.has(port)) continue;
        taken.add(port);
        return port;
      }
      throw internalStatusError("failed to allocate a nodePort: range is full");
    };

    const requested = spec.ports ?? [];
    // Ports of the same number and another protocol share their node port.
    const shared = new Map<number, number>();
    const ports = requested.map((each, index): ServicePort => {
      const { port, nodePort = 0 } = each;
      if (nodePort === 0 && !allocatesNodePorts(spec)) return each;
      const known = shared.get(port);
      if (known !== undefined && (nodePort === 0 || nodePort === known)) return { ...each, nodePort: known };
      const named = nodePort !== 0 ? nodePort : (requested.find((other) => other.port === port && (other.nodePort ?? 0) !== 0)?.nodePort ?? 0);
      const given = named !== 0 ? certain(named, `spec.ports[${index}].nodePort`) : any();
      if (known === undefined) shared.set(port, given);
      return { ...each, nodePort: given };
    });
    const healthCheckNodePort = !needsHealthPort(spec) ? undefined
      : (spec.healthCheckNodePort ?? 0) !== 0 ? this.#healthPort(spec.healthCheckNodePort ?? 0, problemOf) : any();
    return { ...spec, ...(spec.ports && { ports }), ...(healthCheckNodePort !== undefined && { healthCheckNodePort }) };
  }

  #healthPort(port: number, problemOf: (port: number) => string | undefined): number {
    const problem = problemOf(port);
    if (problem !== undefined) throw internalStatusError(`failed to allocate requested HealthCheck NodePort ${port}: ${problem}`);
    return port;
  }
}

/** The two ways of saying the address become one. */
function normalized(spec: Spec): Spec {
  const { clusterIP = "", clusterIPs = [] } = spec;
  return clusterIP !== "" && clusterIPs.length === 0 ? { ...spec, clusterIPs: [clusterIP] } : spec;
}

/** What clients leave out on update stays as it was given; what the new type has no use for goes, unless the client insists on it. */
export function carriedOver(next: Spec, previous: Spec): Spec {
  let spec: Spec = { ...next };
  const set = <K extends keyof Spec>(key: K, value: Spec[K] | undefined): void => {
    const { [key]: _, ...rest } = spec;
    spec = (value === undefined ? rest : { ...rest, [key]: value }) as Spec;
  };

  // patched values
  if (needsClusterIp(previous) && needsClusterIp(spec)) {
    if ((spec.clusterIP ?? "") === "" && (spec.clusterIPs ?? []).length === 0) {
      set("clusterIP", previous.clusterIP);
      set("clusterIPs", previous.clusterIPs);
    } else if ((spec.clusterIP ?? "") === "") set("clusterIP", previous.clusterIP);
  }
  if (needsNodePort(previous) && needsNodePort(spec)) {
    const used = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0));
    const byName = new Map((previous.ports ?? []).map(({ name = "", nodePort = 0 }) => [name, nodePort]));
    set("ports", spec.ports?.map((port) => {
      const before = byName.get(port.name ?? "") ?? 0;
      return (port.nodePort ?? 0) === 0 && before !== 0 && !used.has(before) ? { ...port, nodePort: before } : port;
    }));
  }
  if (needsHealthPort(previous) && needsHealthPort(spec) && (spec.healthCheckNodePort ?? 0) === 0) set("healthCheckNodePort", previous.healthCheckNodePort);

  // dropped values
  if (needsClusterIp(previous) && !needsClusterIp(spec)) {
    if (equal(spec.clusterIPs, previous.clusterIPs) || spec.clusterIP === previous.clusterIP) {
      set("clusterIP", undefined);
      set("clusterIPs", undefined);
    }
    if (equal(spec.ipFamilies, previous.ipFamilies)) set("ipFamilies", undefined);
    if (spec.ipFamilyPolicy === previous.ipFamilyPolicy) set("ipFamilyPolicy", undefined);
  }
  const nodePorts = ({ ports = [] }: Spec) => ports.map(({ nodePort = 0 }) => nodePort);
  if (needsNodePort(previous) && !needsNodePort(spec) && equal(nodePorts(spec), nodePorts(previous))) {
    set("ports", spec.ports?.map(({ nodePort: _, ...port }) => port));
  }
  if (needsHealthPort(previous) && !needsHealthPort(spec) && spec.healthCheckNodePort === previous.healthCheckNodePort) set("healthCheckNodePort", undefined);
  if (previous.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    if (spec.allocateLoadBalancerNodePorts === previous.allocateLoadBalancerNodePorts) set("allocateLoadBalancerNodePorts", undefined);
    if (spec.loadBalancerClass === previous.loadBalancerClass) set("loadBalancerClass", undefined);
  }
  if (needsNodePort(previous) && !needsNodePort(spec) && spec.externalTrafficPolicy === previous.externalTrafficPolicy) set("externalTrafficPolicy", undefined);

  // one way of saying the address
  if (spec.clusterIP !== previous.clusterIP && (spec.clusterIP ?? "") !== "" && equal(spec.clusterIPs, previous.clusterIPs)) set("clusterIPs", [spec.clusterIP ?? ""]);
  if ((spec.clusterIPs ?? []).length === 0 && spec.clusterIP === previous.clusterIP && (previous.clusterIPs ?? []).length > 0) set("clusterIPs", previous.clusterIPs);
  return spec;
}
