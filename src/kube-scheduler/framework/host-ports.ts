import type { ContainerPort } from "../../api/generated/core-v1.ts";

const anyAddress = "0.0.0.0";
const nameOf = ({ protocol = "TCP", hostPort = 0 }: ContainerPort): string => `${protocol}/${hostPort}`;
const addressOf = ({ hostIP = "" }: ContainerPort): string => (hostIP === "" ? anyAddress : hostIP);

/** The ports of one node that its pods have taken. A port on all addresses excludes the same port on any, and the other way round. */
export class HostPorts {
  /** "TCP/80" to the addresses it is taken on, with how many pods hold it there. */
  readonly #taken = new Map<string, Map<string, number>>();

  add(port: ContainerPort): void {
    const addresses = this.#taken.get(nameOf(port)) ?? new Map<string, number>();
    this.#taken.set(nameOf(port), addresses.set(addressOf(port), (addresses.get(addressOf(port)) ?? 0) + 1));
  }

  remove(port: ContainerPort): void {
    const addresses = this.#taken.get(nameOf(port));
    const holders = addresses?.get(addressOf(port)) ?? 0;
    if (holders > 1) addresses?.set(addressOf(port), holders - 1);
    else addresses?.delete(addressOf(port));
    if (addresses?.size === 0) this.#taken.delete(nameOf(port));
  }

  conflicts(port: ContainerPort): boolean {
    const addresses = this.#taken.get(nameOf(port));
    if (!addresses) return false;
    return addressOf(port) === anyAddress || addresses.has(anyAddress) || addresses.has(addressOf(port));
  }
}
