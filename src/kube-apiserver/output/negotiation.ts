import type { ResourceType } from "../../apimachinery/object.ts";
import { StatusError } from "../../apimachinery/status-error.ts";

export type Media = "json" | "yaml" | "protobuf";
export type As = "object" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";

/** What the client wants to get. */
export interface Wanted {
  readonly media: Media;
  readonly as: As;
  /** Of meta.k8s.io, for anything but the object itself: "v1" or "v1beta1". */
  readonly version: string;
  readonly pretty: boolean;
}

export const contentTypeOf: Readonly<Record<Media, string>> = { json: "application/json", yaml: "application/yaml", protobuf: "application/vnd.kubernetes.protobuf" };
export const mediaOf: Readonly<Record<string, Media>> = {
  "application/json": "json", "application/yaml": "yaml", "application/vnd.kubernetes.protobuf": "protobuf", "application/*": "json", "*/*": "json",
};
const acceptedAll = Object.values(contentTypeOf).join(", ");

export const notAcceptable = (accepted: string = acceptedAll): StatusError => new StatusError("NotAcceptable", `only the following media types are accepted: ${accepted}`);
export const unsupportedMediaType = (accepted: string = acceptedAll): StatusError =>
  new StatusError("UnsupportedMediaType", `the body of the request was in an unknown format - accepted media types include: ${accepted}`);

/** Upstream's packages of internal types, which its texts name. */
const packageOf = (group: string): string => (({ "": "core", "events.k8s.io": "core", "internal.apiserver.k8s.io": "apiserverinternal" } as Readonly<Record<string, string>>)[group] ?? group.split(".", 1)[0] ?? "");
export const onlyAList = ({ group, listKind }: Pick<ResourceType, "group" | "listKind">): StatusError =>
  new StatusError("NotAcceptable", `you requested PartialObjectMetadata, but the requested object is a list (*${packageOf(group)}.${listKind})`);
export const notAList = ({ group, kind }: Pick<ResourceType, "group" | "kind">): StatusError =>
  new StatusError("NotAcceptable", `you requested PartialObjectMetadataList, but the requested object is not a list (*${packageOf(group)}.${kind})`);

/** One of the forms that an Accept header names. */
export interface Clause { readonly type: string; readonly q: number; readonly parameters: Readonly<Record<string, string>> }

/** Best first: what is wanted more, then what is named more exactly, then what is named first. */
export function clausesOf(accept: string): readonly Clause[] {
  const clauses = accept.split(",").map((text): Clause => {
    const [type = "", ...rest] = text.split(";").map((part) => part.trim());
    const parameters = Object.fromEntries(rest.map((part): [string, string] => {
      const equals = part.indexOf("=");
      return equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
    }));
    const q = Number(parameters["q"] ?? 1);
    return { type: type.toLowerCase(), q: Number.isFinite(q) ? q : 1, parameters };
  });
  return clauses.sort((a, b) => b.q - a.q || wildcards(a) - wildcards(b));
}
const wildcards = ({ type }: Clause): number => (type === "*/*" ? 2 : type.endsWith("/*") ? 1 : 0);

/** Clients send a handful of different headers; what they mean is worked out once, for each combination of what is offered. */
const remembered: readonly Map<string, Wanted | null>[] = Array.from({ length: 8 }, () => new Map<string, Wanted | null>());
const rememberedMax = 100;

/** Which forms besides the object itself an endpoint can answer in. */
export interface Offered {
  readonly table: boolean;
  readonly partial: boolean;
}

/** @throws {StatusError} NotAcceptable */
export function negotiate(accept = "", offered: Offered, pretty: boolean): Wanted {
  const known = remembered[(offered.table ? 1 : 0) + (offered.partial ? 2 : 0) + (pretty ? 4 : 0)] ?? new Map<string, Wanted | null>();
  let wanted = known.get(accept);
  if (wanted === undefined) {
    wanted = work(accept, offered, pretty) ?? null;
    if (known.size >= rememberedMax) known.clear();
    known.set(accept, wanted);
  }
  if (wanted === null) throw notAcceptable();
  return wanted;
}

function work(accept: string, offered: Offered, pretty: boolean): Wanted | undefined {
  if (accept.trim() === "") return { media: "json", as: "object", version: "", pretty };
  for (const { type, parameters } of clausesOf(accept)) {
    const media = mediaOf[type];
    if (media === undefined) continue;
    const { as = "", g = "", v = "" } = parameters;
    const prettily = pretty || (parameters["pretty"] ?? "") === "1";
    if (as === "") return { media, as: "object", version: "", pretty: prettily };
    if (g !== "meta.k8s.io" || (v !== "v1" && v !== "v1beta1")) continue;
    if (as === "Table" && offered.table && media !== "protobuf") return { media, as, version: v, pretty: prettily };
    if ((as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") && offered.partial) return { media, as, version: v, pretty: prettily };
  }
  return undefined;
}

/** People who look with a browser or with curl get indented JSON, as long as they do not say otherwise. */
export function wantsPretty(pretty: string | null, userAgent: string): boolean {
  if (pretty !== null && pretty !== "") return ["1", "t", "T", "true", "True", "TRUE"].includes(pretty);
  return userAgent.startsWith("curl") || userAgent.startsWith("Wget") || userAgent.startsWith("Mozilla/5.0");
}
