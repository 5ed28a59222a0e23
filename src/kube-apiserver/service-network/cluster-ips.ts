import { services, type Service } from "../../api/generated/core-v1.ts";
import { ipaddresses, servicecidrs, type IPAddress } from "../../api/generated/networking-v1.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../apimachinery/status-error.ts";
import type { Transport } from "../../apimachinery/transport.ts";
import { cidrHasHost, formatIp, ipAt, parseIp, parseIpSloppy } from "../../stdx/ip.ts";
import type { Log } from "../../stdx/log.ts";
import type { Random } from "../../stdx/random.ts";
import type { ClusterState } from "../cache/cluster-state.ts";
import { addressesToTry, familyOfText, openRanges } from "./address-ranges.ts";
import { addressesOf, type Family } from "./service-spec.ts";

export interface ClusterIpsOptions {
  readonly state: ClusterState;
  /** The server's own way in, as upstream's loopback client. */
  readonly transport: () => Transport;
  readonly random: Random;
  readonly log: Log;
}

export const familyLabel = "ipaddress.kubernetes.io/ip-family";
export const managedByLabel = "ipaddress.kubernetes.io/managed-by";
export const allocator = "ipallocator.k8s.io";
const addressRequest = { group: ipaddresses.group, version: ipaddresses.version, resource: ipaddresses.plural } as const;
const fieldManager = "kube-apiserver";

/** Where an address is written in its one canonical form: what a Service says may have leading zeros. */
const canonical = (ip: string): string => {
  const parsed = parseIp(ip) ?? parseIpSloppy(ip);
  return parsed ? formatIp(parsed) : ip;
};

export const addressObject = (ip: string, { metadata: { namespace = "", name = "" } }: Service): IPAddress => ({
  apiVersion: "networking.k8s.io/v1", kind: "IPAddress",
  metadata: { name: ip, labels: { [familyLabel]: familyOfText(ip), [managedByLabel]: allocator } },
  spec: { parentRef: { resource: "services", namespace, name } },
});

/**
 * Cluster IPs, each of which belongs to whose IPAddress object could be made: that is one compare-and-set on one key, so that it holds between any
 * number of servers, and it is made before the Service is stored.
 */
export class ClusterIps implements Disposable {
  readonly #options: ClusterIpsOptions;
  /** Who has an address, from the Services themselves: an IPAddress that somebody has deleted does not make its address free. */
  readonly #users = new Map<string, Set<string>>();
  readonly #listening: Disposable | undefined;
  /** Claimed by requests of this server that are not through yet. */
  readonly #underWay = new Set<string>();

  constructor(options: ClusterIpsOptions) {
    this.#options = options;
    const { state } = options;
    for (const service of state.list(services)) this.#note(service, true);
    this.#listening = state.cache(services)?.listen({}, ({ type, entry, previous }) => {
      if (previous) this.#note(previous.object as Service, false);
      if (type !== "DELETED") this.#note(entry.object as Service, true);
    });
  }

  [Symbol.dispose](): void {
    this.#listening?.[Symbol.dispose]();
  }

  #note(service: Service, has: boolean): void {
    const user = `${service.metadata.namespace ?? ""}/${service.metadata.name ?? ""}`;
    for (const ip of addressesOf(service).map(canonical)) {
      const users = this.#users.get(ip) ?? new Set();
      if (has) this.#users.set(ip, users.add(user));
      else if (users.delete(user) && users.size === 0) this.#users.delete(ip);
    }
  }

  isUnderWay(ip: string): boolean {
    return this.#underWay.has(ip);
  }

  #isFree(ip: string): boolean {
    return !this.#users.has(ip) && !this.#underWay.has(ip) && this.#options.state.get(ipaddresses, "", ip) === undefined;
  }

  /** What is wrong with this address, or nothing when it is the Service's now. */
  async claim(text: string, service: Service): Promise<string | undefined> {
    const ip = canonical(text);
    if (!this.#inOpenRange(ip)) return "the provided network does not match the current range";
    if (!this.#users.has(ip) && !this.#underWay.has(ip) && await this.#make(ip, service)) return undefined;
    return "provided IP is already allocated";
  }

  /** Any free address of the family; undefined when there is none. */
  async claimAny(family: Family, service: Service): Promise<string | undefined> {
    const { state, random } = this.#options;
    for (const range of openRanges(state.list(servicecidrs), family)) {
      for (const ip of addressesToTry(range, random)) if (this.#isFree(ip) && await this.#make(ip, service)) return ip;
    }
    return undefined;
  }

  /** A dry run says that a certain address would do if it lies in a range, and any other by the address of a range's network. */
  claimDry(text: string): string | undefined {
    return this.#inOpenRange(canonical(text)) ? undefined : "the provided network does not match the current range";
  }
  claimAnyDry(family: Family): string | undefined {
    const [range] = openRanges(this.#options.state.list(servicecidrs), family);
    const network = range && ipAt(range, 0);
    return network && formatIp(network);
  }

  #inOpenRange(ip: string): boolean {
    const parsed = parseIp(ip);
    return parsed !== undefined && openRanges(this.#options.state.list(servicecidrs), familyOfText(ip)).some((range) => cidrHasHost(range, parsed));
  }

  /** False when it exists already. */
  async #make(ip: string, service: Service): Promise<boolean> {
    this.#underWay.add(ip);
    try {
      await this.#options.transport().request({ verb: "create", ...addressRequest, query: { fieldManager }, body: addressObject(ip, service) });
      return true;
    } catch (error) {
      this.#underWay.delete(ip);
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  /** The request that claimed it is through. */
  settled(ip: string): void {
    this.#underWay.delete(canonical(ip));
  }

  /**
   * Gives back an address that the Service had up to `revision` (or that was claimed for it and not used). An IPAddress that was made after that is
   * somebody else's claim already. What cannot be given back now is found by the repair.
   */
  async release(text: string, { metadata: { namespace, name } }: Service, revision = Number.MAX_SAFE_INTEGER): Promise<void> {
    const { state, transport, log } = this.#options;
    const ip = canonical(text);
    try {
      const present = state.get(ipaddresses, "", ip);
      const parent = present?.spec?.parentRef;
      const resourceVersion = present?.metadata.resourceVersion ?? "0";
      if (!present || parent?.resource !== "services" || parent.namespace !== namespace || parent.name !== name || Number(resourceVersion) > revision) return;
      await transport().request({ verb: "delete", ...addressRequest, name: ip, body: { preconditions: { uid: present.metadata.uid, resourceVersion } } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) log.warn("a cluster IP could not be given back", { ip, error });
    } finally {
      this.#underWay.delete(ip);
    }
  }
}
