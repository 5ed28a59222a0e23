import { services, type Service } from "../../api/generated/core-v1.ts";
import { ipaddresses, servicecidrs, type IPAddress } from "../../api/generated/networking-v1.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../apimachinery/status-error.ts";
import type { Transport } from "../../apimachinery/transport.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import type { ClusterState } from "../cache/cluster-state.ts";
import { rangesHolding } from "./address-ranges.ts";
import { planAddressRepair, planServiceRepair, type Present, type Told } from "./address-repair-plan.ts";
import { addressObject, type ClusterIps } from "./cluster-ips.ts";
import type { RepairEvents } from "./repair-events.ts";

export interface AddressRepairOptions {
  readonly state: ClusterState;
  readonly ips: ClusterIps;
  readonly transport: () => Transport;
  readonly events: RepairEvents;
  readonly clock: Clock;
  readonly log: Log;
}

const request = { group: ipaddresses.group, version: ipaddresses.version, resource: ipaddresses.plural } as const;
/** A claim of a request that is still under way here is looked at again after this. */
const underWayMs = 5_000;
/** So many keys are looked at in one turn of the event loop. */
const keysPerTurn = 64;
/** What failed is tried again after this. */
const retryMs = 1_000;

/** Keeps Services and IPAddress objects in agreement: all at once after a start, then each one that changes. */
export class AddressRepair {
  readonly #options: AddressRepairOptions;
  readonly #present: Present;
  /** Keys to look at, "service namespace/name" or "address ip", and from when on. */
  readonly #due = new Map<string, number>();
  #wake: (() => void) | undefined;

  constructor(options: AddressRepairOptions) {
    this.#options = options;
    const { state } = options;
    this.#present = {
      address: (ip) => state.get(ipaddresses, "", ip),
      service: (namespace, name) => state.get(services, namespace, name),
      inRange: (ip) => rangesHolding(state.list(servicecidrs), ip).length > 0,
    };
  }

  /** Every Service, then every address. */
  async all(): Promise<void> {
    const { state } = this.#options;
    await state.fresh();
    for (const service of state.list(services)) await this.#service(service);
    for (const address of state.list(ipaddresses)) await this.#address(address);
  }

  /** Follows what changes until the signal aborts; everything once more with each `everyMs`. */
  async run(everyMs: number, signal: AbortSignal): Promise<void> {
    const { state, clock } = this.#options;
    using listening = new DisposableStack();
    const follow = (cache: ReturnType<ClusterState["cache"]>, keysOf: (entry: CacheEntry) => readonly string[]) => {
      if (cache) listening.use(cache.listen({}, ({ entry }) => keysOf(entry).forEach((key) => this.#enqueue(key, clock.now()))));
    };
    follow(state.cache(services), ({ key }) => [`service ${key}`]);
    follow(state.cache(ipaddresses), ({ key, object }) => {
      const { namespace = "", name = "" } = (object as IPAddress).spec?.parentRef ?? { name: "" };
      return [`address ${key}`, `service ${namespace}/${name}`];
    });
    let allAtMs = clock.now() + everyMs;
    while (!signal.aborted) {
      const nowMs = clock.now();
      if (nowMs >= allAtMs) {
        allAtMs = nowMs + everyMs;
        for (const { metadata: { namespace = "", name = "" } } of state.list(services)) this.#enqueue(`service ${namespace}/${name}`, nowMs);
        for (const { metadata: { name = "" } } of state.list(ipaddresses)) this.#enqueue(`address ${name}`, nowMs);
      }
      const due = [...this.#due].filter(([, atMs]) => atMs <= nowMs).map(([key]) => key);
      for (const [at, key] of due.entries()) {
        this.#due.delete(key);
        await this.#key(key);
        // Most have nothing to wait for: others get their turn in between.
        if (at % keysPerTurn === keysPerTurn - 1) await new Promise((resolve) => setImmediate(resolve));
        if (signal.aborted) return;
      }
      const nextMs = this.#due.values().reduce((soonest, atMs) => Math.min(soonest, atMs), allAtMs);
      await this.#rest(nextMs - clock.now(), signal);
    }
  }

  #enqueue(key: string, atMs: number): void {
    this.#due.set(key, Math.min(this.#due.get(key) ?? Number.MAX_SAFE_INTEGER, atMs));
    this.#wake?.();
  }

  async #rest(durationMs: number, signal: AbortSignal): Promise<void> {
    if (durationMs <= 0) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await this.#options.clock.sleep(durationMs, { signal: AbortSignal.any([signal, woken.signal]) });
    } catch {
      // Something is due, or it is over.
    } finally {
      this.#wake = undefined;
    }
  }

  async #key(key: string): Promise<void> {
    const { state, clock, log } = this.#options;
    try {
      const [kind, name = ""] = key.split(" ");
      if (kind === "address") {
        const address = state.get(ipaddresses, "", name);
        if (address) await this.#address(address);
      } else {
        const [namespace = "", own = ""] = name.split("/");
        const service = state.get(services, namespace, own);
        if (service) await this.#service(service);
      }
    } catch (error) {
      log.warn("an allocation could not be checked", { key, error });
      this.#enqueue(key, clock.now() + retryMs);
    }
  }

  async #service(service: Service): Promise<void> {
    for (const repair of planServiceRepair(service, this.#present)) {
      if (repair.told) await this.#tell(services, service, "ClusterIPAllocation", repair.told);
      if (repair.is === "report") continue;
      if (repair.is === "recreate") {
        // Whose Service is being made right now will find that the address is taken, or be told so when it is next looked at.
        if (this.#options.ips.isUnderWay(repair.ip)) continue;
        const address = this.#present.address(repair.ip);
        if (address) await this.#delete(address);
      }
      await this.#unlessOvertaken({ verb: "create", ...request, query: { fieldManager: "kube-apiserver" }, body: addressObject(repair.ip, service) });
    }
  }

  async #address(address: IPAddress): Promise<void> {
    const { ips, clock } = this.#options;
    const { name: ip = "" } = address.metadata;
    const repair = ips.isUnderWay(ip) ? { is: "wait", forMs: underWayMs } as const : planAddressRepair(address, this.#present, clock.now());
    if (repair.is === "wait") this.#enqueue(`address ${ip}`, clock.now() + repair.forMs);
    if (repair.is !== "delete") return;
    await this.#tell(ipaddresses, address, "IPAddressAllocation", repair.told);
    await this.#delete(address);
  }

  #tell(type: typeof services | typeof ipaddresses, object: Service | IPAddress, action: string, told: Told): Promise<void> {
    return this.#options.events.tell({ type, object, action, ...told });
  }

  /** Only as it was seen: a claim that somebody has made since stays. */
  #delete({ metadata: { name = "", uid, resourceVersion } }: IPAddress): Promise<void> {
    return this.#unlessOvertaken({ verb: "delete", ...request, name, body: { preconditions: { uid, resourceVersion } } });
  }

  async #unlessOvertaken(change: Parameters<Transport["request"]>[0]): Promise<void> {
    try {
      await this.#options.transport().request(change);
    } catch (error) {
      if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error;
    }
  }
}
