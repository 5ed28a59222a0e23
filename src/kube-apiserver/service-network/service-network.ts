import { parseCidr } from "../../stdx/ip.ts";
import type { Transport } from "../../apimachinery/transport.ts";
import type { Store } from "../../storage/store.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { Random } from "../../stdx/random.ts";
import type { ClusterState } from "../cache/cluster-state.ts";
import type { RegistryHooks } from "../registry/registry.ts";
import { familyOf } from "./address-ranges.ts";
import { AddressRepair } from "./address-repair.ts";
import { ClusterIps } from "./cluster-ips.ts";
import { ensureDefaultServiceCidr } from "./default-service-cidr.ts";
import { NodePorts, type PortRange } from "./node-ports.ts";
import { PortRepair } from "./port-repair.ts";
import { RepairEvents } from "./repair-events.ts";
import { ServiceAllocation } from "./service-allocation.ts";

export interface ServiceNetworkOptions {
  /** "10.96.0.0/16", or one range of each family with a comma between; the first one's family is the default. */
  readonly clusterIpRange: string;
  readonly nodePortRange: PortRange;
  readonly state: ClusterState;
  readonly store: Store;
  /** The server's own way in; not used before `start`. */
  readonly transport: () => Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How often everything is compared; upstream's figure. */
const repairEveryMs = 180_000;
/** How often the server looks after the ServiceCIDR that it was started with; upstream's figure. */
const rangeEveryMs = 10_000;

/** Addresses and ports of Services: who has which, in a form that survives every crash and holds between several servers. */
export class ServiceNetwork implements AsyncDisposable {
  readonly hooks: RegistryHooks;
  readonly #options: ServiceNetworkOptions;
  readonly #ips: ClusterIps;
  readonly #addresses: AddressRepair;
  readonly #ports: PortRepair;
  readonly #range: Parameters<typeof ensureDefaultServiceCidr>[0];
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: ServiceNetworkOptions) {
    const { state, store, transport, clock, random, log, nodePortRange } = options;
    this.#options = options;
    const cidrs = options.clusterIpRange.split(",");
    const families = cidrs.map((text) => {
      const cidr = parseCidr(text);
      if (!cidr) throw new Error(`${text} is no range of addresses`);
      return familyOf(cidr.ip);
    });
    const eventsOf = (controller: string) => new RepairEvents({ transport, clock, random, log, controller });
    this.#ips = new ClusterIps({ state, transport, random, log });
    const ports = new NodePorts({ store, clock, random, range: nodePortRange });
    this.hooks = new ServiceAllocation({ ips: this.#ips, ports, families, log }).hooks;
    this.#addresses = new AddressRepair({ state, ips: this.#ips, transport, events: eventsOf("ipallocator-repair-controller"), clock, log });
    this.#ports = new PortRepair({ state, ports, events: eventsOf("portallocator-repair-controller") });
    this.#range = { cidrs, state, transport, clock, events: eventsOf("kubernetes-service-cidr-controller") };
  }

  /** Before anything is served: what a crash has left is put right, so that nothing is given out twice. */
  async start(): Promise<void> {
    await Promise.all([ensureDefaultServiceCidr(this.#range).then(() => this.#addresses.all()), this.#ports.once()]);
  }

  /** From now on until it is disposed. */
  run(): void {
    const { signal } = this.#stop;
    this.#running = Promise.all([
      this.#addresses.run(repairEveryMs, signal),
      this.#every(repairEveryMs, () => this.#ports.once()),
      this.#every(rangeEveryMs, () => ensureDefaultServiceCidr(this.#range), { atOnce: true }),
    ]);
  }

  async #every(periodMs: number, work: () => Promise<void>, { atOnce = false } = {}): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    for (let first = atOnce; !signal.aborted; first = false) {
      try {
        if (!first) await clock.sleep(periodMs, { signal });
        await work();
      } catch (error) {
        if (!signal.aborted) log.warn("could not look after the addresses and ports of services", { error });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#ips[Symbol.dispose]();
  }
}
