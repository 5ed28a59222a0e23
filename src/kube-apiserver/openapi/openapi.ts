import { createHash } from "node:crypto";
import { schemaFacts } from "../../api/generated/schema-facts.ts";
import type { DiscoveryGroupVersion } from "../discovery/discovery.ts";
import { noDescriptions, type Descriptions, type Json } from "./definitions.ts";
import { documentV2, documentV3, type DocumentInput } from "./documents.ts";
import {
  builtInDefinitionOf, groupPath, groupsPath, groupVersionPath, openIdConfigurationPath, openIdKeysPath, resourcePaths, versionPath, type DefinitionOf, type PathItem,
} from "./operations.ts";
import { encodeOpenApiV2 } from "./v2-protobuf.ts";
import { encodeOpenApiV3 } from "./v3-protobuf.ts";

/** A group version as OpenAPI needs it: what discovery needs, and for custom resources their definitions (JSON with references in v3's form) by name. */
export interface OpenApiGroupVersion extends DiscoveryGroupVersion {
  readonly definitions?: Readonly<Record<string, Json>>;
}

export interface OpenApiDocument {
  readonly json: Buffer;
  /** Quoted, as it goes into the header. */
  readonly etag: string;
}

export interface OpenApi {
  v2(): OpenApiDocument & { readonly protobuf: Buffer };
  /** `{ paths: { "apis/apps/v1": { serverRelativeURL: "/openapi/v3/apis/apps/v1?hash=…" } } }` */
  v3Index(): OpenApiDocument;
  /** `path` is what follows "/openapi/v3/": "api/v1", "apis/apps/v1", "version". */
  v3(path: string): OpenApiDocument | undefined;
  /** The same document, under the same ETag. */
  v3Protobuf(path: string): { readonly protobuf: Buffer; readonly etag: string } | undefined;
}

/** Bytes of documents that are kept; the one used longest ago goes first. A cluster at rest is asked for none. */
const cachedBytesMax = 6 * 2 ** 20;

const upper = (bytes: Buffer | string): string => createHash("sha512").update(bytes).digest("hex").toUpperCase();
const toDocument = (document: Json): OpenApiDocument => {
  const json = Buffer.from(JSON.stringify(document));
  return { json, etag: `"${upper(json)}"` };
};

class DocumentCache {
  readonly #kept = new Map<string, { readonly document: OpenApiDocument; readonly bytes: number }>();
  #bytes = 0;

  get<D extends OpenApiDocument>(key: string, make: () => D): D {
    const known = this.#kept.get(key);
    // The key says which form of document lies under it.
    const document = (known?.document as D | undefined) ?? make();
    const bytes = known?.bytes ?? document.json.length + ("protobuf" in document && Buffer.isBuffer(document.protobuf) ? document.protobuf.length : 0);
    this.#kept.delete(key);
    this.#kept.set(key, { document, bytes });
    if (!known) this.#bytes += bytes;
    for (const [oldest, entry] of this.#kept) {
      if (this.#bytes <= cachedBytesMax || oldest === key) break;
      this.#kept.delete(oldest);
      this.#bytes -= entry.bytes;
    }
    return document;
  }
}

/** OpenAPI over what is served now; make a new one when that changes. Nothing is built before it is asked for. */
export function createOpenApi(groupVersions: readonly OpenApiGroupVersion[], { descriptions = noDescriptions }: { readonly descriptions?: Descriptions } = {}): OpenApi {
  const cache = new DocumentCache();
  const groups = [...new Set(groupVersions.map(({ group }) => group))];

  const pathsOf = ({ group, version, resources, definitions = {} }: OpenApiGroupVersion): readonly PathItem[] => {
    const names = new Map<string, string>(Object.entries(definitions).flatMap(([name, json]) => {
      const kinds = json["x-kubernetes-group-version-kind"] as readonly { readonly group: string; readonly version: string; readonly kind: string }[] | undefined;
      return (kinds ?? []).map((kind) => [`${kind.group}/${kind.version}/${kind.kind}`, name] as const);
    }));
    const definitionOf: DefinitionOf = (...kind) => names.get(kind.join("/")) ?? builtInDefinitionOf(...kind);
    return [groupVersionPath(group, version), ...resources.flatMap((type) => resourcePaths(type, definitionOf))];
  };

  const inputOf = (key: string): { readonly input: DocumentInput; readonly groupVersion?: string } | undefined => {
    const of = (...paths: readonly PathItem[]): { readonly input: DocumentInput } => ({ input: { paths, descriptions } });
    const [root, first = "", second] = key.split("/");
    switch (key) {
      case "api": return of(groupPath(""));
      case "apis": return of(groupsPath);
      case "version": return of(versionPath);
      case "openid/v1/jwks": return of(openIdKeysPath);
      case ".well-known/openid-configuration": return of(openIdConfigurationPath);
      default:
    }
    if (root === "apis" && second === undefined) return first !== "" && groups.includes(first) ? of(groupPath(first)) : undefined;
    const [group, version] = root === "api" ? ["", first] : [first, second];
    const found = root === "api" || root === "apis" ? groupVersions.find((each) => each.group === group && each.version === version) : undefined;
    return found && {
      groupVersion: group === "" ? found.version : `${found.group}/${found.version}`,
      input: { paths: pathsOf(found), descriptions, ...(found.definitions && { extraDefinitions: found.definitions }) },
    };
  };

  const keys = (): readonly string[] => [
    ".well-known/openid-configuration", "api", "apis", ...groups.filter((group) => group !== "").map((group) => `apis/${group}`),
    ...groupVersions.map(({ group, version }) => (group === "" ? `api/${version}` : `apis/${group}/${version}`)), "openid/v1/jwks", "version",
  ].toSorted();

  /** Changes with whatever the document is made of, without making it. */
  const hashOf = (key: string): string => {
    const found = groupVersions.find(({ group, version }) => key === (group === "" ? `api/${version}` : `apis/${group}/${version}`));
    return upper(JSON.stringify([key, factsHash(), found?.resources, found?.definitions]));
  };

  const v3 = (path: string): OpenApiDocument | undefined => {
    const key = path.replaceAll(/^\/+|\/+$/g, "");
    const found = inputOf(key);
    return found && cache.get(`v3/${key}`, () => ({ ...toDocument(documentV3(found.input, found.groupVersion)), etag: `"${hashOf(key)}"` }));
  };

  return {
    v3,
    // Hardly anybody asks for this form, so it is made anew from the document each time.
    v3Protobuf(path) {
      const found = v3(path);
      return found && { protobuf: encodeOpenApiV3(JSON.parse(found.json.toString()) as Json), etag: found.etag };
    },
    v2: () => cache.get("v2", () => {
      const named = groups.filter((group) => group !== "");
      const document = documentV2({
        descriptions, extraDefinitions: Object.assign({}, ...groupVersions.map(({ definitions }) => toV2References(definitions ?? {}))) as Readonly<Record<string, Json>>,
        paths: [openIdConfigurationPath, openIdKeysPath, versionPath, groupPath(""), groupsPath, ...named.map(groupPath), ...groupVersions.flatMap(pathsOf)],
      });
      return { ...toDocument(document), protobuf: encodeOpenApiV2(document) };
    }),
    v3Index: () => cache.get("v3", () => toDocument({
      paths: Object.fromEntries(keys().map((key) => [key, { serverRelativeURL: `/openapi/v3/${key}?hash=${hashOf(key)}` }])),
    })),
  };
}

let factsHashOnce: string | undefined;
const factsHash = (): string => (factsHashOnce ??= upper(Object.values(schemaFacts).map(({ types }) => types).join("")));

/** Custom definitions come with v3's references; v2 has another root. */
const toV2References = (definitions: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> =>
  JSON.parse(JSON.stringify(definitions).replaceAll('"#/components/schemas/', '"#/definitions/')) as Readonly<Record<string, Json>>;
