import { isIPv4, isIPv6 } from "node:net";

/** Whether the text is an address without a zone and, for IPv4, without leading zeros (the stricter reading of 1.36). */
export const isIp = (text: string): boolean => isIPv4(text) || (isIPv6(text) && !text.includes("%"));

/** The 16 bytes, or 4, of a valid address. */
export function ipBytes(text: string): readonly number[] {
  if (isIPv4(text)) return text.split(".").map(Number);
  const [head = "", tail] = text.split("::");
  const groups = (part: string): number[] => (part === "" ? [] : part.split(":").flatMap((group) => {
    if (group.includes(".")) {
      const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
      return [a * 256 + b, c * 256 + d];
    }
    return [Number.parseInt(group, 16)];
  }));
  const [left, right] = [groups(head), groups(tail ?? "")];
  const all = tail === undefined ? left : [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  return all.flatMap((group) => [group >> 8, group & 255]);
}

/** The one way an address is written (RFC 5952 for IPv6); IPv4 inside of IPv6 becomes IPv4. */
export function canonicalIp(text: string): string {
  const bytes = ipBytes(text);
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255) return bytes.slice(12).join(".");
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** Names of IPAddress objects are addresses, in their canonical form. */
export function canonicalIpProblems(text: string): readonly string[] {
  if (!isIp(text)) return ["must be a valid IP address"];
  return canonicalIp(text) === text ? [] : ["must be a valid IP address in canonical form"];
}
