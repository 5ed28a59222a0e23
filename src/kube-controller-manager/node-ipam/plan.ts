import { addToIp, cidrSize, cidrsOverlap, formatCidr, masked, parseCidr, type Cidr } from "../../stdx/ip.ts";

export interface ClusterCidr {
  /** "10.244.0.0/16" */
  readonly cidr: string;
  /** Length of the prefix of each node's part: 24 for IPv4, 64 for IPv6 upstream. */
  readonly nodeMaskSize: number;
}

/** The first part of the cluster's block that overlaps with none of those in use; undefined when there is none left. */
export function nextFree({ cidr, nodeMaskSize }: ClusterCidr, used: Iterable<string>): string | undefined {
  const parsed = parseCidr(cidr);
  if (!parsed) throw new TypeError(`${cidr} is not a CIDR`);
  const block = masked(parsed);
  const size = cidrSize({ ip: block.ip, prefix: nodeMaskSize });
  const count = cidrSize(block) / size;
  const taken = new Set<bigint>();
  for (const text of used) for (const index of indexesIn(block, nodeMaskSize, text)) taken.add(index);
  for (let index = 0n; index < count; index++) {
    const ip = taken.has(index) ? undefined : addToIp(block.ip, index * size);
    if (ip) return formatCidr({ ip, prefix: nodeMaskSize });
  }
  return undefined;
}

function* indexesIn(block: Cidr, nodeMaskSize: number, text: string): Generator<bigint> {
  const cidr = parseCidr(text);
  if (!cidr || !cidrsOverlap(block, cidr)) return;
  const size = cidrSize({ ip: block.ip, prefix: nodeMaskSize });
  const first = masked(cidr).ip.value <= block.ip.value ? 0n : (masked(cidr).ip.value - block.ip.value) / size;
  const parts = cidr.prefix <= nodeMaskSize ? cidrSize(cidr) / size : 1n;
  for (let offset = 0n; offset < parts; offset++) yield first + offset;
}
