import { createHash } from "node:crypto";
import { allResources } from "../../api/generated/all-resources.ts";
import { apiVersionOf, type ResourceType } from "../../apimachinery/object.ts";
import { compareVersions } from "./compare-versions.ts";
import { priorityOf, type GroupVersionPriority } from "./priorities.ts";

/** One served group version. Built-in ones come from `builtInGroupVersions`; CustomResourceDefinitions and aggregated servers add their own. */
export interface DiscoveryGroupVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly ResourceType[];
  /** Upstream's table for built-in groups; what custom resources get otherwise. */
  readonly priority?: GroupVersionPriority;
  /** "Stale": an aggregated server did not answer. */
  readonly freshness?: "Current" | "Stale";
}

interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
}

/** Kinds that several versions serve, or that upstream 1.36 stores in an older version: group/kind → group and version of what is stored. */
const storedAs: Readonly<Record<string, string>> = {
  "admissionregistration.k8s.io/MutatingAdmissionPolicy": "admissionregistration.k8s.io/v1beta1",
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding": "admissionregistration.k8s.io/v1beta1",
  "apiextensions.k8s.io/CustomResourceDefinition": "apiextensions.k8s.io/v1beta1",
  "autoscaling/HorizontalPodAutoscaler": "autoscaling/v2",
  "certificates.k8s.io/ClusterTrustBundle": "certificates.k8s.io/v1beta1",
  "coordination.k8s.io/LeaseCandidate": "coordination.k8s.io/v1beta1",
  "events.k8s.io/Event": "/v1",
  "networking.k8s.io/IPAddress": "networking.k8s.io/v1",
  "networking.k8s.io/ServiceCIDR": "networking.k8s.io/v1",
  "resource.k8s.io/DeviceClass": "resource.k8s.io/v1",
  "resource.k8s.io/DeviceTaintRule": "resource.k8s.io/v1alpha3",
  "resource.k8s.io/ResourceClaim": "resource.k8s.io/v1",
  "resource.k8s.io/ResourceClaimTemplate": "resource.k8s.io/v1",
  "resource.k8s.io/ResourceSlice": "resource.k8s.io/v1",
  "storage.k8s.io/VolumeAttributesClass": "storage.k8s.io/v1",
};

const storageVersionOf = ({ group, version, kind }: ResourceType): string => `${storedAs[`${group}/${kind}`] ?? `${group}/${version}`}/${kind}`;

/** First eight bytes of SHA-256 over group/version/kind of the storage version, in base64. */
const storageVersionHash = (type: ResourceType): string => createHash("sha256").update(storageVersionOf(type)).digest().subarray(0, 8).toString("base64");

const isStored = ({ verbs }: ResourceType): boolean => verbs.includes("create") && verbs.includes("update");

function apiResources(type: ResourceType): readonly ApiResource[] {
  const main: ApiResource = {
    name: type.plural, singularName: type.singular, namespaced: type.namespaced, kind: type.kind, verbs: type.verbs,
    ...(type.shortNames.length > 0 && { shortNames: type.shortNames }), ...(type.categories.length > 0 && { categories: type.categories }),
    ...(isStored(type) && { storageVersionHash: storageVersionHash(type) }),
  };
  const below = Object.entries(type.subresources).map(([name, sub]): ApiResource => ({
    name: `${type.plural}/${name}`, singularName: "", namespaced: type.namespaced,
    ...((sub.group !== type.group || sub.version !== type.version) && { group: sub.group, version: sub.version }),
    kind: sub.kind, verbs: sub.verbs,
  }));
  return [main, ...below];
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** A resource of aggregated discovery; response kinds of the same group version leave group and version empty, as upstream does. */
function aggregatedResource(type: ResourceType): object {
  const subresources = Object.entries(type.subresources).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, sub]) => {
    const foreign = sub.group !== type.group || sub.version !== type.version;
    return { subresource: name, responseKind: { group: foreign ? sub.group : "", version: foreign ? sub.version : "", kind: sub.kind }, verbs: sub.verbs };
  });
  return {
    resource: type.plural, responseKind: { group: "", version: "", kind: type.kind }, scope: type.namespaced ? "Namespaced" : "Cluster", singularResource: type.singular, verbs: type.verbs,
    ...(type.shortNames.length > 0 && { shortNames: type.shortNames }), ...(type.categories.length > 0 && { categories: type.categories }), ...(subresources.length > 0 && { subresources }),
  };
}

interface Group { readonly name: string; readonly priority: number; readonly versions: readonly DiscoveryGroupVersion[] }

const priority = ({ priority: own, group, version }: DiscoveryGroupVersion): GroupVersionPriority => own ?? priorityOf(group, version);

/** Groups by priority and name, versions within by priority and then as Kubernetes orders versions. */
function groupsOf(groupVersions: readonly DiscoveryGroupVersion[]): readonly Group[] {
  return [...Map.groupBy(groupVersions, ({ group }) => group)].map(([name, versions]): Group => ({
    name, priority: Math.max(...versions.map((each) => priority(each).group)),
    versions: versions.toSorted((a, b) => priority(b).version - priority(a).version || compareVersions(a.version, b.version)),
  })).toSorted((a, b) => b.priority - a.priority || byName(a, b));
}

const apiGroup = ({ name, versions }: Group): object => {
  const listed = versions.map(({ version }) => ({ groupVersion: apiVersionOf({ group: name, version }), version }));
  return { name, versions: listed, preferredVersion: listed[0] };
};

const aggregatedList = (groups: readonly Group[]): object => ({
  kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {},
  items: groups.map(({ name, versions }) => ({
    metadata: { ...(name !== "" && { name }) },
    versions: versions.map(({ version, resources, freshness = "Current" }) => ({
      version, ...(resources.length > 0 && { resources: resources.toSorted((a, b) => (a.plural < b.plural ? -1 : 1)).map(aggregatedResource) }), freshness,
    })),
  })),
});

/** An aggregated document with the ETag that goes with it; clients send it back in If-None-Match. */
export interface AggregatedDiscovery { readonly document: object; readonly etag: string }

export interface Discovery {
  /** What answers a GET without the aggregated form: "/api", "/apis", "/api/v1", "/apis/<group>", "/apis/<group>/<version>"; a trailing slash is the same path. */
  document(path: string): object | undefined;
  /** The aggregated form (apidiscovery.k8s.io/v2) of "/api" (core) and "/apis" (everything else). */
  aggregated(path: "/api" | "/apis"): AggregatedDiscovery;
}

export interface DiscoveryOptions {
  /** Host and port that "/api" tells to clients. */
  readonly serverAddress: string;
}

/** Discovery over what is served now; make a new one when that changes. Documents are built when first asked for. */
export function createDiscovery(groupVersions: readonly DiscoveryGroupVersion[], { serverAddress }: DiscoveryOptions): Discovery {
  const groups = groupsOf(groupVersions);
  const core = groups.filter(({ name }) => name === "");
  const named = groups.filter(({ name }) => name !== "");
  const aggregated = new Map<string, AggregatedDiscovery>();
  const documents = new Map<string, object | undefined>();

  const resourceList = (group: string, version: string): object | undefined => {
    const found = groupVersions.find((each) => each.group === group && each.version === version);
    // Upstream leaves apiVersion out in the core group's list.
    return found && { kind: "APIResourceList", ...(group !== "" && { apiVersion: "v1" }), groupVersion: apiVersionOf(found), resources: found.resources.flatMap(apiResources).toSorted(byName) };
  };

  const build = (path: string): object | undefined => {
    const [root, first, second, ...rest] = path.split("/").filter((part) => part !== "");
    if (rest.length > 0) return undefined;
    if (root === "api" && first === undefined) {
      return { kind: "APIVersions", versions: core.flatMap(({ versions }) => versions.map(({ version }) => version)), serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }] };
    }
    if (root === "api" && first !== undefined) return second === undefined ? resourceList("", first) : undefined;
    if (root !== "apis") return undefined;
    if (first === undefined) return { kind: "APIGroupList", apiVersion: "v1", groups: named.map(apiGroup) };
    if (second !== undefined) return resourceList(first, second);
    const group = named.find(({ name }) => name === first);
    return group && { kind: "APIGroup", apiVersion: "v1", ...apiGroup(group) };
  };

  return {
    document(path) {
      const key = path.replace(/\/+$/, "");
      const known = documents.get(key);
      if (known) return known;
      const document = build(key);
      if (document) documents.set(key, document);
      return document;
    },
    aggregated(path) {
      const known = aggregated.get(path);
      if (known) return known;
      const document = aggregatedList(path === "/api" ? core : named);
      const result = { document, etag: `"${createHash("sha512").update(JSON.stringify(document)).digest("hex").toUpperCase()}"` };
      aggregated.set(path, result);
      return result;
    },
  };
}

/** The built-in group versions; without an argument those that are on by default in 1.36. */
export function builtInGroupVersions(isEnabled?: (group: string, version: string) => boolean): readonly DiscoveryGroupVersion[] {
  const enabled = allResources.filter(({ type, onByDefault }) => isEnabled?.(type.group, type.version) ?? onByDefault).map(({ type }) => type);
  return [...Map.groupBy(enabled, apiVersionOf).values()].flatMap((resources) => {
    const [first] = resources;
    return first ? [{ group: first.group, version: first.version, resources }] : [];
  });
}
