/** An address as a number: 32 bits for family 4, 128 for family 6. An IPv4-mapped IPv6 address is of family 6. */
export interface Ip {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** A block of addresses; `ip` may have bits set beyond the prefix (as in "10.0.0.7/24"), see `masked`. */
export interface Cidr {
  readonly ip: Ip;
  readonly prefix: number;
}

export const bitsOf = ({ family }: Ip): 32 | 128 => (family === 4 ? 32 : 128);

function parseIpv4(text: string, sloppy: boolean): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^[0-9]+$/.test(part) || (!sloppy && (part.length > 3 || (part.length > 1 && part.startsWith("0"))))) return undefined;
    const number = Number(part);
    if (number > 255) return undefined;
    value = value * 256 + number;
  }
  return BigInt(value);
}

function parseIpv6(text: string, sloppy: boolean): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groupsOf = (half: string, last: boolean): number[] | undefined => {
    if (half === "") return [];
    const groups: number[] = [];
    const parts = half.split(":");
    for (const [index, part] of parts.entries()) {
      if (last && index === parts.length - 1 && part.includes(".")) {
        const embedded = parseIpv4(part, sloppy);
        if (embedded === undefined) return undefined;
        groups.push(Number(embedded >> 16n), Number(embedded & 0xffffn));
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
      else return undefined;
    }
    return groups;
  };
  const [head = "", tail] = halves;
  const left = groupsOf(head, tail === undefined);
  const right = tail === undefined ? [] : groupsOf(tail, true);
  if (!left || !right) return undefined;
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...left, ...Array<number>(missing).fill(0), ...right].reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** As strict as Go's netip without zones: no leading zeros in IPv4. */
export const parseIp = (text: string): Ip | undefined => parse(text, false);

/** Accepts leading zeros in IPv4 too (read as decimal), as the API does in fields from before it was strict. */
export const parseIpSloppy = (text: string): Ip | undefined => parse(text, true);

function parse(text: string, sloppy: boolean): Ip | undefined {
  if (text.includes(":")) {
    const value = parseIpv6(text, sloppy);
    return value === undefined ? undefined : { family: 6, value };
  }
  const value = parseIpv4(text, sloppy);
  return value === undefined ? undefined : { family: 4, value };
}

export const isIpv4Mapped = ({ family, value }: Ip): boolean => family === 6 && value >> 32n === 0xffffn;

/** An IPv4-mapped IPv6 address as the IPv4 address that it stands for, others as they are. */
export const unmapped = (ip: Ip): Ip => (isIpv4Mapped(ip) ? { family: 4, value: ip.value & 0xffffffffn } : ip);

const formatIpv4 = (value: bigint): string => {
  const number = Number(value);
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
};

/** The canonical text (RFC 5952 for IPv6). */
export function formatIp(ip: Ip): string {
  const { family, value } = ip;
  if (family === 4) return formatIpv4(value);
  if (isIpv4Mapped(ip)) return `::ffff:${formatIpv4(value & 0xffffffffn)}`;
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - index * 16)) & 0xffffn));
  let [best, bestLength] = [-1, 1];
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) [best, bestLength] = [start, length];
    start += length;
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  return best < 0 ? hex(groups) : `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`;
}

function parsePrefix(text: string, sloppy: boolean): Cidr | undefined {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return undefined;
  const ip = parse(text.slice(0, slash), sloppy);
  const bits = text.slice(slash + 1);
  if (!ip || !/^[0-9]{1,3}$/.test(bits) || (!sloppy && bits.length > 1 && bits.startsWith("0"))) return undefined;
  const prefix = Number(bits);
  return prefix > bitsOf(ip) ? undefined : { ip, prefix };
}

export const parseCidr = (text: string): Cidr | undefined => parsePrefix(text, false);
export const parseCidrSloppy = (text: string): Cidr | undefined => parsePrefix(text, true);
export const formatCidr = ({ ip, prefix }: Cidr): string => `${formatIp(ip)}/${prefix}`;

/** How many addresses a block has. */
export const cidrSize = ({ ip, prefix }: Cidr): bigint => 1n << BigInt(bitsOf(ip) - prefix);

/** The block with all bits beyond the prefix cleared. */
export function masked({ ip, prefix }: Cidr): Cidr {
  const hostBits = BigInt(bitsOf(ip) - prefix);
  return { ip: { family: ip.family, value: (ip.value >> hostBits) << hostBits }, prefix };
}

export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  const hostBits = BigInt(bitsOf(cidr.ip) - cidr.prefix);
  return cidr.ip.family === ip.family && cidr.ip.value >> hostBits === ip.value >> hostBits;
}

/** Whether an address is one that a host of the block may have: not the network's own, nor for IPv4 that of its broadcasts. */
export function cidrHasHost(cidr: Cidr, ip: Ip): boolean {
  const offset = ip.value - masked(cidr).ip.value;
  return cidrContains(cidr, ip) && offset !== 0n && (ip.family === 6 || offset !== cidrSize(cidr) - 1n);
}

export const cidrsOverlap = (a: Cidr, b: Cidr): boolean => (a.prefix <= b.prefix ? cidrContains(a, b.ip) : cidrContains(b, a.ip));

/** The address `offset` behind this one (before, when negative); undefined beyond the family's end. */
export function addToIp({ family, value }: Ip, offset: bigint | number): Ip | undefined {
  const moved = value + BigInt(offset);
  return moved < 0n || moved >= 1n << (family === 4 ? 32n : 128n) ? undefined : { family, value: moved };
}
export const nextIp = (ip: Ip): Ip | undefined => addToIp(ip, 1n);

/** The address at a position of the block, 0 being the network's own. */
export function ipAt(cidr: Cidr, index: bigint | number): Ip | undefined {
  const offset = BigInt(index);
  return offset < 0n || offset >= cidrSize(cidr) ? undefined : addToIp(masked(cidr).ip, offset);
}

/** The block number `index` of the smaller blocks that a block consists of; undefined when there are not so many. */
export function subnetAt(cidr: Cidr, prefix: number, index: bigint | number): Cidr | undefined {
  const first = ipAt(cidr, BigInt(index) << BigInt(bitsOf(cidr.ip) - prefix));
  return first && { ip: first, prefix };
}

export function ipToBytes({ family, value }: Ip): Uint8Array {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  let rest = value;
  for (let at = bytes.length - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}

/** From 4 or 16 bytes in network order. */
export function ipFromBytes(bytes: Uint8Array): Ip | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  return { family: bytes.length === 4 ? 4 : 6, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
}

export const compareIps = (a: Ip, b: Ip): number => a.family - b.family || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0);

const within = (text: string) => {
  const cidr = parseCidr(text);
  return (ip: Ip): boolean => cidr !== undefined && cidrContains(cidr, ip);
};
const [loopback4, loopback6, linkLocal4, linkLocal6, multicast4, multicast6, linkLocalMulticast4, linkLocalMulticast6] = [
  "127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8", "224.0.0.0/24", "ff02::/16",
].map(within) as [(ip: Ip) => boolean, (ip: Ip) => boolean, (ip: Ip) => boolean, (ip: Ip) => boolean, (ip: Ip) => boolean, (ip: Ip) => boolean, (ip: Ip) => boolean, (ip: Ip) => boolean];

export const isUnspecified = (ip: Ip): boolean => unmapped(ip).value === 0n;
export const isLoopback = (ip: Ip): boolean => loopback4(unmapped(ip)) || loopback6(ip);
export const isLinkLocalUnicast = (ip: Ip): boolean => linkLocal4(unmapped(ip)) || linkLocal6(ip);
export const isMulticast = (ip: Ip): boolean => multicast4(unmapped(ip)) || multicast6(ip);
export const isLinkLocalMulticast = (ip: Ip): boolean => linkLocalMulticast4(unmapped(ip)) || linkLocalMulticast6(ip);
