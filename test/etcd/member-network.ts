import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { command } from "../../src/stdx/command.ts";

/** A range that is for tests of networks (RFC 2544); one of its 256 parts is taken by chance. */
const range = "198.18";

interface Place {
  readonly name: string;
  readonly namespace: string;
  /** The bridge's end of the cable. */
  readonly cable: string;
  readonly address: string;
}

/** A bridge on this machine with a network namespace for each member of an etcd, whose cables can be cut one by one. */
export class MemberNetwork implements AsyncDisposable {
  readonly #bridge: string;
  readonly #places: readonly Place[];

  private constructor(bridge: string, places: readonly Place[]) {
    this.#bridge = bridge;
    this.#places = places;
  }

  static async make(names: readonly string[]): Promise<MemberNetwork> {
    const id = randomBytes(3).toString("hex");
    const part = randomBytes(1)[0] ?? 0;
    const network = new MemberNetwork(`kle${id}`, names.map((name, index) => ({ name, namespace: `kle-${id}-${name}`, cable: `kle${id}${index}`, address: `${range}.${part}.${index + 10}` })));
    try {
      await ip("link", "add", network.#bridge, "type", "bridge");
      await ip("address", "add", `${range}.${part}.1/24`, "dev", network.#bridge);
      await ip("link", "set", network.#bridge, "up");
      for (const { namespace, cable, address } of network.#places) {
        await ip("netns", "add", namespace);
        await ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace);
        await ip("link", "set", cable, "master", network.#bridge, "up");
        await ip("-n", namespace, "address", "add", `${address}/24`, "dev", "eth0");
        await ip("-n", namespace, "link", "set", "lo", "up");
        await ip("-n", namespace, "link", "set", "eth0", "up");
      }
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  addressOf(name: string): string {
    return this.#place(name).address;
  }

  /** What a program is started with so that it runs in the place of a member; it keeps its process id. */
  enter(name: string): readonly string[] {
    return ["nsenter", `--net=/run/netns/${this.#place(name).namespace}`];
  }

  /** Nobody hears of the member any more, nor it of anybody. */
  async cut(name: string): Promise<void> {
    await ip("link", "set", this.#place(name).cable, "down");
  }

  async mend(name: string): Promise<void> {
    await ip("link", "set", this.#place(name).cable, "up");
  }

  /** The member and the others do not hear of each other, while clients go on hearing of all of them. */
  async cutFromPeers(name: string): Promise<void> {
    const { namespace } = this.#place(name);
    const peers = this.#places.filter((each) => each.name !== name).map(({ address }) => address).join(", ");
    await command(["ip", "netns", "exec", namespace, "nft", `table ip cut { chain in { type filter hook input priority 0; ip saddr { ${peers} } drop; }; chain out { type filter hook output priority 0; ip daddr { ${peers} } drop; }; }`]);
  }

  async mendToPeers(name: string): Promise<void> {
    await command(["ip", "netns", "exec", this.#place(name).namespace, "nft", "delete", "table", "ip", "cut"]);
  }

  /** The shell's words for what `asyncDispose` does, for a guardian. */
  get removal(): string {
    return [...this.#places.map(({ namespace }) => `ip netns delete ${namespace}`), `ip link delete ${this.#bridge}`].join("; ");
  }

  #place(name: string): Place {
    const place = this.#places.find((each) => each.name === name);
    if (!place) throw new Error(`no member ${name}`);
    return place;
  }

  /** Cables go with their namespaces. Members must have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { namespace } of this.#places) if (existsSync(`/run/netns/${namespace}`)) await ip("netns", "delete", namespace);
    if (existsSync(`/sys/class/net/${this.#bridge}`)) await ip("link", "delete", this.#bridge);
  }
}

const ip = (...args: readonly string[]): Promise<string> => command(["ip", ...args]);
