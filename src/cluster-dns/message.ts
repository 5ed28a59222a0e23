import { decode, encode, type DecodedPacket, type Packet, type Answer as WireAnswer, AUTHORITATIVE_ANSWER, RECURSION_AVAILABLE, RECURSION_DESIRED, TRUNCATED_RESPONSE } from "dns-packet";
import { lookUp, reverse, type Answer, type Directory, type Lookup } from "./records.ts";

export const responseCodes = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5 } as const;

/** As CoreDNS answers for a cluster. */
const ttlSeconds = 30;
const udpBytesMin = 512;
const udpBytesMax = 1232;

export interface Question {
  readonly type: string;
  readonly name: string;
}

export interface Zone {
  readonly directory: Directory;
  /** "cluster.local" */
  readonly domain: string;
}

/** The name is ours to answer; everything else is for somebody else. */
export const inZone = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`);

const isReverse = (name: string): boolean => name.endsWith(".in-addr.arpa");

/** Undefined: not ours, to be forwarded. */
export function answerQuestion({ directory, domain }: Zone, { name, type }: Question): { readonly code: number; readonly answers: readonly WireAnswer[]; readonly authorities: readonly WireAnswer[]; readonly additionals: readonly WireAnswer[]; readonly cname: string | undefined } | undefined {
  const lower = name.toLowerCase().replace(/\.$/, "");
  let found: Lookup | undefined;
  if (inZone(lower, domain)) found = lookUp(directory, domain, lower);
  else if (isReverse(lower)) {
    found = reverse(directory, domain, lower);
    if (!found) return undefined;
  } else return undefined;

  const soa: WireAnswer = { type: "SOA", name: domain, ttl: ttlSeconds, data: { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: 1, refresh: 7200, retry: 1800, expire: 86_400, minimum: ttlSeconds } };
  if (!found) return { code: responseCodes.nameError, answers: [], authorities: [soa], additionals: [], cname: undefined };
  const cname = found.answers.find((answer) => answer.type === "CNAME");
  const wanted = found.answers.filter((answer) => answer.type === "CNAME" || answer.type === type || type === "ANY");
  const answers = wanted.map((answer) => wire(name, answer));
  const additionals = type === "SRV" ? (found.additional ?? []).map(({ name: target, address }): WireAnswer => ({ type: "A", name: target, ttl: ttlSeconds, data: address })) : [];
  return { code: responseCodes.noError, answers, authorities: answers.length === 0 ? [soa] : [], additionals, cname: cname?.type === "CNAME" && type !== "CNAME" ? cname.target : undefined };
}

function wire(name: string, answer: Answer): WireAnswer {
  const common = { name, ttl: ttlSeconds };
  switch (answer.type) {
    case "A": return { ...common, type: "A", data: answer.address };
    case "CNAME": return { ...common, type: "CNAME", data: answer.target };
    case "PTR": return { ...common, type: "PTR", data: answer.target };
    case "TXT": return { ...common, type: "TXT", data: answer.text };
    case "SRV": return { ...common, type: "SRV", data: { priority: 0, weight: 100, port: answer.port, target: answer.target } };
  }
}

export const readMessage = (bytes: Uint8Array): DecodedPacket | undefined => {
  try {
    return decode(Buffer.from(bytes));
  } catch {
    return undefined; // Not a DNS message: there is nobody to tell.
  }
};

/** How large an answer the sender of a UDP query can take: what its OPT record says, within reason. */
export function udpLimit(query: DecodedPacket): number {
  const opt = query.additionals?.find(({ type }) => type === "OPT") as { readonly udpPayloadSize?: number } | undefined;
  return Math.min(Math.max(opt?.udpPayloadSize ?? udpBytesMin, udpBytesMin), udpBytesMax);
}

export interface Response {
  readonly code: number;
  readonly answers?: readonly WireAnswer[];
  readonly authorities?: readonly WireAnswer[];
  readonly additionals?: readonly WireAnswer[];
  readonly authoritative?: boolean;
}

/** The bytes of an answer. One that is too long for UDP is cut and says so: the client asks again over TCP. */
export function writeResponse(query: DecodedPacket, response: Response, bytesMax: number): Buffer {
  const hasOpt = query.additionals?.some(({ type }) => type === "OPT") === true;
  const flags = RECURSION_AVAILABLE | ((query.flags ?? 0) & RECURSION_DESIRED) | (response.authoritative === true ? AUTHORITATIVE_ANSWER : 0) | response.code;
  const make = (parts: Partial<Response>, extra: number): Buffer => encode({
    type: "response", id: query.id ?? 0, flags: flags | extra, questions: query.questions ?? [],
    answers: [...(parts.answers ?? [])], authorities: [...(parts.authorities ?? [])],
    additionals: [...(parts.additionals ?? []), ...(hasOpt ? [{ type: "OPT" as const, name: "." as const, udpPayloadSize: udpBytesMax, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }] : [])],
  } as Packet);
  const whole = make(response, 0);
  if (whole.length <= bytesMax) return whole;
  const slim = make({ answers: response.answers ?? [] }, 0);
  return slim.length <= bytesMax ? slim : make({}, TRUNCATED_RESPONSE);
}
