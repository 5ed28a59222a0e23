/** Reads the reference documents of Kubernetes 1.36 and says how its names map onto ours. Nothing here ends up in the project but what the generator makes of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface GroupVersionKind { readonly group: string; readonly version: string; readonly kind: string }

export interface Property {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly items?: Property;
  readonly additionalProperties?: Property;
  readonly default?: unknown;
  readonly allOf?: readonly Property[];
  readonly [extension: `x-kubernetes-${string}`]: unknown;
}

export interface Definition extends Property {
  readonly properties?: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
}

export interface DiscoveredResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
}

export interface ProtoField { readonly type: string; readonly id: number; readonly rule?: string; readonly keyType?: string }
export type ProtoMessage = Readonly<Record<string, ProtoField>>;

export interface GroupVersionResources {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly DiscoveredResource[];
}

export interface OpenApiDocument {
  readonly definitions?: Readonly<Record<string, Definition>>;
  readonly paths: Readonly<Record<string, unknown>>;
  readonly [more: string]: unknown;
}

export interface Reference {
  readonly definitions: Readonly<Record<string, Definition>>;
  /** The same definitions as OpenAPI v3 has them, for the defaults. */
  readonly v3: Readonly<Record<string, Definition>>;
  readonly groupVersions: readonly GroupVersionResources[];
  readonly messages: ReadonlyMap<string, ProtoMessage>;
  readonly openApiV2: OpenApiDocument;
}

export const referenceFolder = join(import.meta.dirname, "..", "..", "..", "shared", "reference");
export const hasReference = (): boolean => existsSync(referenceFolder);

const readJson = (...path: readonly string[]): unknown => JSON.parse(readFileSync(join(referenceFolder, ...path), "utf8"));

interface ProtoNode { readonly nested?: Readonly<Record<string, ProtoNode>>; readonly fields?: ProtoMessage }

function collectMessages(node: ProtoNode, path: string, into: Map<string, ProtoMessage>): Map<string, ProtoMessage> {
  for (const [name, child] of Object.entries(node.nested ?? {})) {
    const full = path === "" ? name : `${path}.${name}`;
    if (child.fields) into.set(full, child.fields);
    collectMessages(child, full, into);
  }
  return into;
}

export function readReference(): Reference {
  const openApiV2 = readJson("openapi-v2.json") as OpenApiDocument;
  const v3: Record<string, Definition> = {};
  for (const file of readdirSync(join(referenceFolder, "openapi-v3")).toSorted()) {
    const { components } = readJson("openapi-v3", file) as { readonly components?: { readonly schemas?: Record<string, Definition> } };
    Object.assign(v3, components?.schemas);
  }
  const groupVersions = readdirSync(join(referenceFolder, "discovery"))
    .filter((file) => /^(apis__.+__v.+|api__v1)\.json$/.test(file)).toSorted()
    .map((file) => {
      const list = readJson("discovery", file) as { readonly groupVersion: string; readonly resources: readonly DiscoveredResource[] };
      const [first = "", second] = list.groupVersion.split("/");
      return { group: second === undefined ? "" : first, version: second ?? first, resources: list.resources };
    });
  return {
    definitions: openApiV2.definitions ?? {}, v3, groupVersions, openApiV2,
    messages: collectMessages(readJson("wire", "kubernetes-1.36.json") as ProtoNode, "", new Map()),
  };
}

/** "io.k8s.api.core.v1.Pod" → { module: "core-v1", name: "Pod" }; what belongs to no group version goes to meta-v1. */
export function splitDefinitionName(full: string): { readonly module: string; readonly name: string } {
  const name = full.slice(full.lastIndexOf(".") + 1);
  const match = /^io\.k8s\.(?:api|kube-aggregator\.pkg\.apis|apiextensions-apiserver\.pkg\.apis)\.([^.]+)\.([^.]+)\.[^.]+$/.exec(full);
  return { module: match ? `${match[1]}-${match[2]}` : "meta-v1", name: full === "io.k8s.apimachinery.pkg.version.Info" ? "VersionInfo" : name };
}

export const refName = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);

export const kindsOf = (definition: Definition): readonly GroupVersionKind[] =>
  (definition["x-kubernetes-group-version-kind"] as readonly GroupVersionKind[] | undefined) ?? [];
