import type { ServiceCIDR } from "../../api/generated/networking-v1.ts";
import { addToIp, cidrHasHost, cidrSize, formatCidr, formatIp, masked, parseCidr, parseIp, type Cidr, type Ip } from "../../stdx/ip.ts";
import type { Random } from "../../stdx/random.ts";
import type { Family } from "./service-spec.ts";

/** Positions beyond this are never given out by chance: no cluster has so many Services. */
const positionsMax = 2 ** 40;

/**
 * Numbers from 0 to size - 1 in the order in which they are tried: those that are left to people who ask for a certain one come last (KEP-3070,
 * KEP-3682), and each part begins at a random place.
 */
export function* positionsToTry(size: number, reserved: number, random: Random): Generator<number> {
  yield* wrapped(reserved, size - reserved, random);
  yield* wrapped(0, reserved, random);
}

function* wrapped(first: number, count: number, random: Random): Generator<number> {
  if (count <= 0) return;
  const start = Math.floor(random.next() * count);
  for (let at = 0; at < count; at++) yield first + ((start + at) % count);
}

/** How many numbers of a range are left to those who ask for a certain one: a share of it, within bounds. */
export const reservedIn = (size: number, { share, max }: { readonly share: number; readonly max: number }): number =>
  size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / share)), max);

export const familyOf = ({ family }: Ip): Family => (family === 4 ? "IPv4" : "IPv6");
export const familyOfText = (ip: string): Family => (ip.includes(":") ? "IPv6" : "IPv4");

/** Every range of these objects that can be read. */
export const rangesIn = (objects: readonly ServiceCIDR[]): readonly { readonly name: string; readonly cidr: Cidr }[] =>
  objects.flatMap(({ metadata: { name = "" }, spec }) => (spec?.cidrs ?? []).flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr ? [{ name, cidr }] : [];
  }));

/** Names of the objects with a range that holds the address. */
export function rangesHolding(objects: readonly ServiceCIDR[], ip: string): readonly string[] {
  const parsed = parseIp(ip);
  return parsed ? rangesIn(objects).filter(({ cidr }) => cidrHasHost(cidr, parsed)).map(({ name }) => name) : [];
}

/** Addresses may be taken from it: not on its way out, and nobody has said that it is not ready. */
export const isOpen = ({ metadata, status }: ServiceCIDR): boolean =>
  metadata.deletionTimestamp === undefined && status?.conditions?.find(({ type }) => type === "Ready")?.status !== "False";

/** The distinct ranges of one family that addresses may be taken from. */
export function openRanges(objects: readonly ServiceCIDR[], family: Family): readonly Cidr[] {
  const found = new Map(rangesIn(objects.filter(isOpen)).filter(({ cidr }) => familyOf(cidr.ip) === family).map(({ cidr }) => [formatCidr(cidr), cidr]));
  return [...found.values()];
}

/** Addresses of a range in the order in which they are tried. */
export function* addressesToTry(cidr: Cidr, random: Random): Generator<string> {
  const total = Number(cidrSize(cidr));
  const usable = Math.min(Math.max(total - (cidr.ip.family === 4 ? 2 : 1), 0), positionsMax);
  const first = masked(cidr).ip;
  for (const position of positionsToTry(usable, Math.min(reservedIn(total, { share: 16, max: 256 }), usable), random)) {
    const ip = addToIp(first, position + 1);
    if (ip) yield formatIp(ip);
  }
}
