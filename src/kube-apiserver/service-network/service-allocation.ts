import type { Service } from "../../api/generated/core-v1.ts";
import { needsHealthCheckPort } from "../../api/core/service-update.ts";
import { invalid } from "../../apimachinery/field-error.ts";
import { internalStatusError, invalidError } from "../../apimachinery/status-error.ts";
import type { Log } from "../../stdx/log.ts";
import type { Begun, RegistryHooks, WriteContext } from "../registry/registry.ts";
import type { ClusterIps } from "./cluster-ips.ts";
import { withIpFamilies } from "./ip-families.ts";
import { withNodePorts } from "./node-port-plan.ts";
import { DryPorts, type NodePorts } from "./node-ports.ts";
import { addressesOf, hasNodePorts, isHeadless, portsOf, type Family, type Spec } from "./service-spec.ts";

export interface ServiceAllocationOptions {
  readonly ips: ClusterIps;
  readonly ports: NodePorts;
  /** The families of the cluster, its default one first. */
  readonly families: readonly Family[];
  readonly log: Log;
}

/** What a write has taken, for the case that it fails. */
interface Taken {
  readonly ips: string[];
  readonly ports: number[];
}

/**
 * Gives cluster IPs and node ports to Services. All that a Service takes is written down before it is stored, and what it no longer has is given
 * back after: a server that ends in between leaves something taken that nobody has, never something that two have.
 */
export class ServiceAllocation {
  readonly #options: ServiceAllocationOptions;

  constructor(options: ServiceAllocationOptions) {
    this.#options = options;
  }

  get hooks(): RegistryHooks {
    return {
      beginCreate: (object, context) => this.#begin(object as Service, undefined, context),
      beginUpdate: (next, previous, context) => (context.subresource === "" ? this.#begin(next as Service, previous as Service, context) : { object: next, end: () => undefined }),
      afterDelete: (object, revision) => this.#giveBack(object as Service, { ips: addressesOf(object as Service), ports: portsOf(object as Service) }, revision),
    };
  }

  async #begin(service: Service, previous: Service | undefined, { dryRun }: WriteContext): Promise<Begun> {
    if (!service.spec) return { object: service, end: () => undefined };
    const families = withIpFamilies(service, service.spec, previous?.spec, this.#options.families);
    const taken: Taken = { ips: [], ports: [] };
    let object: Service;
    try {
      const withIps = await this.#withClusterIps(service, families, previous?.spec, dryRun, taken);
      object = { ...service, spec: await this.#withPorts(service, withIps, previous?.spec, dryRun, taken) };
    } catch (error) {
      await this.#giveBack(service, taken);
      throw error;
    }
    return {
      object,
      end: async (outcome) => {
        if (dryRun) return;
        for (const ip of taken.ips) if (outcome !== "refused") this.#options.ips.settled(ip);
        if (outcome === "refused") await this.#giveBack(service, taken);
        else if (outcome === "stored" && previous) await this.#giveBack(previous, left(previous, object));
      },
    };
  }

  async #withClusterIps(service: Service, spec: Spec, before: Spec | undefined, dryRun: boolean, taken: Taken): Promise<Spec> {
    if (spec.type === "ExternalName" || isHeadless(spec)) return spec;
    const families = (spec.ipFamilies ?? []) as readonly Family[];
    const had = before && before.type !== "ExternalName" ? (before.clusterIPs ?? []) : [];
    // The first address of a Service never changes; only the second may come later.
    const fixed = had.length > 0 ? (families.length > (before?.ipFamilies ?? []).length ? 1 : families.length) : 0;
    if (fixed >= families.length) return spec;
    const clusterIPs = [...(spec.clusterIPs ?? [])];
    for (const [index, family] of families.entries()) {
      if (index < fixed) continue;
      clusterIPs[index] = await this.#clusterIp(service, spec, clusterIPs[index] ?? "", family, dryRun, taken);
    }
    return { ...spec, clusterIP: clusterIPs[0] ?? "", clusterIPs };
  }

  async #clusterIp(service: Service, spec: Spec, wanted: string, family: Family, dryRun: boolean, taken: Taken): Promise<string> {
    const { ips } = this.#options;
    const name = service.metadata.name ?? "";
    if (wanted === "") {
      const ip = dryRun ? ips.claimAnyDry(family) : await ips.claimAny(family, service);
      if (ip === undefined) throw internalStatusError(`failed to allocate a serviceIP for Service ${JSON.stringify(name)}: range is full`);
      if (!dryRun) taken.ips.push(ip);
      return ip;
    }
    const problem = dryRun ? ips.claimDry(wanted) : await ips.claim(wanted, service);
    if (problem !== undefined) throw invalidError({ group: "", kind: "Service" }, name, [invalid("spec.clusterIPs", spec.clusterIPs, `failed to allocate IP ${wanted}: ${problem}`)]);
    if (!dryRun) taken.ips.push(wanted);
    return wanted;
  }

  async #withPorts(service: Service, spec: Spec, before: Spec | undefined, dryRun: boolean, taken: Taken): Promise<Spec> {
    if (!hasNodePorts(spec)) return spec;
    const { ports } = this.#options;
    const name = service.metadata.name ?? "";
    if (!lacksPorts(spec, before)) return spec;
    if (dryRun) return withNodePorts(name, spec, before, new DryPorts(await ports.read()));
    let result = spec;
    await ports.change((present) => {
      result = withNodePorts(name, spec, before, present);
      taken.ports.splice(0, taken.ports.length, ...present.taken);
    });
    return result;
  }

  /** Never throws: the write itself has been answered for, and what stays taken is found by the repair. */
  async #giveBack(service: Service, { ips, ports }: { readonly ips: readonly string[]; readonly ports: readonly number[] }, revision?: number): Promise<void> {
    for (const ip of ips) await this.#options.ips.release(ip, service, revision);
    if (ports.length === 0) return;
    try {
      await this.#options.ports.change((present) => {
        for (const port of ports) present.release(port);
      });
    } catch (error) {
      this.#options.log.warn("node ports could not be given back", { ports, error });
    }
  }
}

/** Whether a change may have to take any port: most changes of Services take none. */
function lacksPorts(spec: Spec, before: Spec | undefined): boolean {
  const had = new Set((before?.ports ?? []).map(({ nodePort = 0 }) => nodePort));
  return (spec.ports ?? []).some(({ nodePort = 0 }) => nodePort === 0 || !had.has(nodePort)) || (needsHealthCheckPort(spec) && !(before && needsHealthCheckPort(before)));
}

/** What the previous state had and the next has not. */
function left(previous: Service, next: Service): { readonly ips: readonly string[]; readonly ports: readonly number[] } {
  const [ips, ports] = [new Set(addressesOf(next)), new Set(portsOf(next))];
  return { ips: addressesOf(previous).filter((ip) => !ips.has(ip)), ports: portsOf(previous).filter((port) => !ports.has(port)) };
}
