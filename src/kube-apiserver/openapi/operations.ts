import { packageOf, schemas } from "../../api/schemas.ts";
import type { ResourceType } from "../../apimachinery/object.ts";

/** Query and path parameters as both versions of OpenAPI describe them; path parameters are required. */
export interface Parameter { readonly name: string; readonly in: "query" | "path"; readonly type: "string" | "integer" | "boolean" }

/** What is sent or answered: an object of a definition, bare text, or nothing. */
export type Payload = { readonly definition: string } | { readonly text: true } | undefined;

export interface Operation {
  readonly method: "get" | "put" | "post" | "delete" | "options" | "head" | "patch";
  readonly operationId: string;
  readonly description?: string;
  readonly tag: string;
  readonly action?: string;
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly definition: string; readonly required: boolean; readonly mediaTypes: readonly string[] };
  /** Media types that v2 lists as what the operation takes, where they are not those of a body. */
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  /** Code → what it carries; 401 is added to every operation. */
  readonly responses: readonly (readonly [code: 200 | 201 | 202, payload: Payload])[];
}

export interface PathItem { readonly path: string; readonly operations: readonly Operation[] }

export const metaDefinition = (name: string): string => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`;

export const objectMediaTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/cbor"] as const;
const listMediaTypes = [...objectMediaTypes, "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch", "application/cbor-seq"] as const;
const patchMediaTypes = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml", "application/apply-patch+cbor"] as const;
const anything = ["*/*"] as const;

const query = (type: Parameter["type"], ...names: readonly string[]): readonly Parameter[] => names.map((name) => ({ name, in: "query", type }));
const inPath = (name: string): Parameter => ({ name, in: "path", type: "string" });

const pretty = query("string", "pretty");
const selection = [
  ...query("string", "continue", "fieldSelector", "labelSelector", "resourceVersion", "resourceVersionMatch", "shardSelector"), ...query("integer", "limit", "timeoutSeconds"), ...query("boolean", "sendInitialEvents"),
];
const listing = [...selection, ...query("boolean", "allowWatchBookmarks", "watch")];
const deleting = [...query("string", "dryRun", "propagationPolicy"), ...query("integer", "gracePeriodSeconds"), ...query("boolean", "ignoreStoreReadErrorWithClusterBreakingPotential", "orphanDependents")];
const writing = query("string", "dryRun", "fieldManager", "fieldValidation");

/** Kinds whose delete answers with the object; all others answer with a Status. */
const deletedObjectReturned = new Set([
  "/PersistentVolume", "/PersistentVolumeClaim", "/Pod", "/PodTemplate", "/ResourceQuota", "/Service", "/ServiceAccount", "resource.k8s.io/DeviceClass", "resource.k8s.io/DeviceTaintRule",
  "resource.k8s.io/ResourceClaim", "resource.k8s.io/ResourceClaimTemplate", "resource.k8s.io/ResourcePoolStatusRequest", "resource.k8s.io/ResourceSlice", "storage.k8s.io/CSIDriver",
  "storage.k8s.io/CSINode", "storage.k8s.io/StorageClass", "storage.k8s.io/VolumeAttachment", "storage.k8s.io/VolumeAttributesClass",
]);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const groupParts = (group: string): readonly string[] => (group === "" ? ["core"] : group.replace(/\.k8s\.io$/, "").split("."));
/** "rbac.authorization.k8s.io" → "rbacAuthorization". */
export const groupId = (group: string): string => groupParts(group).map((part, index) => (index === 0 ? part : capital(part))).join("");
export const groupTag = (group: string, version: string): string => `${groupId(group)}_${version}`;

/** "an Event", "Endpoints", "a Pod". */
const withArticle = (kind: string): string => (kind.endsWith("s") && !kind.endsWith("ss") ? kind : `${/^[AEIOU]/.test(kind) ? "an" : "a"} ${kind}`);

/** Name of the definition of a kind, for kinds whose definitions are known only to the caller (custom resources). */
export type DefinitionOf = (group: string, version: string, kind: string) => string;
export const builtInDefinitionOf: DefinitionOf = (group, version, kind) => schemas.kind(group, version, kind)?.name ?? `${packageOf(group, version) ?? group}.${kind}`;

const byParameterName = (parameters: readonly Parameter[]): readonly Parameter[] => parameters.toSorted((a, b) => (a.name === b.name ? (a.in < b.in ? -1 : 1) : a.name < b.name ? -1 : 1));

/** The query parameters of a connecting subresource are the fields of its options kind. */
function connectParameters(group: string, version: string, kind: string): readonly Parameter[] {
  return Object.entries(schemas.kind(group, version, kind)?.fields ?? {}).filter(([name]) => name !== "apiVersion" && name !== "kind").flatMap(([name, { type }]) => {
    const item = type.is === "list" ? type.of : type;
    // A time has no form as a parameter in upstream's documents (pods/log has sinceSeconds, not sinceTime).
    return item.is === "scalar" ? [{ name, in: "query" as const, type: item.type === "number" ? "integer" as const : item.type }] : [];
  });
}

const connectMethods = ["delete", "get", "head", "options", "patch", "post", "put"] as const;

/** All paths of one resource, with the deprecated watch paths. */
export function resourcePaths(type: ResourceType, definitionOf: DefinitionOf = builtInDefinitionOf): readonly PathItem[] {
  const { group, version, kind, plural, verbs, namespaced } = type;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const [scope, scopeParameters] = namespaced ? ["/namespaces/{namespace}", [inPath("namespace")]] as const : ["", []] as const;
  const prefix = `${capital(groupId(group))}${capital(version)}`;
  const scoped = namespaced ? "Namespaced" : "";
  const tag = groupTag(group, version);
  const own = { group, version, kind };
  const ownDefinition = { definition: definitionOf(group, version, kind) };
  const status: Payload = { definition: metaDefinition("Status") };
  const common = { tag, consumes: anything, produces: objectMediaTypes } as const;
  const collectionParameters = [...scopeParameters, ...pretty];
  const itemParameters = [inPath("name"), ...collectionParameters];

  const list = (operationId: string, parameters: readonly Parameter[]): Operation => ({
    ...common, method: "get", operationId, description: `${verbs.includes("watch") ? "list or watch" : "list"} objects of kind ${kind}`, action: "list", kind: own, parameters: [...listing, ...parameters],
    produces: listMediaTypes, responses: [[200, { definition: definitionOf(group, version, type.listKind) }]],
  });
  const watch = (operationId: string, action: "watch" | "watchlist", parameters: readonly Parameter[]): Operation => ({
    ...common, method: "get", operationId, action, kind: own, parameters: [...listing, ...parameters], produces: listMediaTypes, responses: [[200, { definition: metaDefinition("WatchEvent") }]],
    description: action === "watchlist" ? `watch individual changes to a list of ${kind}. deprecated: use the 'watch' parameter with a list operation instead.`
      : `watch changes to an object of kind ${kind}. deprecated: use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter.`,
  });

  const items: PathItem[] = [];
  const add = (path: string, operations: readonly (Operation | false)[]): void => {
    const present = operations.filter((operation) => operation !== false).map((operation) => ({ ...operation, parameters: byParameterName(operation.parameters) }));
    if (present.length > 0) items.push({ path, operations: present });
  };

  if (namespaced) {
    add(`${root}/${plural}`, [verbs.includes("list") && list(`list${prefix}${kind}ForAllNamespaces`, pretty)]);
    add(`${root}/watch/${plural}`, [verbs.includes("watch") && watch(`watch${prefix}${kind}ListForAllNamespaces`, "watchlist", pretty)]);
  }
  add(`${root}${scope}/${plural}`, [
    verbs.includes("list") && list(`list${prefix}${scoped}${kind}`, collectionParameters),
    verbs.includes("create") && {
      ...common, method: "post", operationId: `create${prefix}${scoped}${kind}`, description: `create ${withArticle(kind)}`, action: "post", kind: own, parameters: [...writing, ...collectionParameters],
      body: { ...ownDefinition, required: true, mediaTypes: anything }, responses: [[200, ownDefinition], [201, ownDefinition], [202, ownDefinition]],
    },
    verbs.includes("deletecollection") && {
      ...common, method: "delete", operationId: `delete${prefix}Collection${scoped}${kind}`, description: `delete collection of ${kind}`, action: "deletecollection", kind: own,
      parameters: [...selection, ...deleting, ...collectionParameters], body: { definition: metaDefinition("DeleteOptions"), required: false, mediaTypes: anything }, responses: [[200, status]],
    },
  ]);
  add(`${root}/watch${scope}/${plural}`, [verbs.includes("watch") && watch(`watch${prefix}${scoped}${kind}List`, "watchlist", collectionParameters)]);
  add(`${root}/watch${scope}/${plural}/{name}`, [verbs.includes("watch") && watch(`watch${prefix}${scoped}${kind}`, "watch", itemParameters)]);

  const replace = (suffix: string, what: string, sub: typeof own, payload: { readonly definition: string }): Operation => ({
    ...common, method: "put", operationId: `replace${prefix}${scoped}${kind}${suffix}`, description: `replace ${what}the specified ${kind}`, action: "put", kind: sub, parameters: [...writing, ...itemParameters],
    body: { ...payload, required: true, mediaTypes: anything }, responses: [[200, payload], [201, payload]],
  });
  const patch = (suffix: string, what: string, sub: typeof own, payload: { readonly definition: string }): Operation => ({
    ...common, method: "patch", operationId: `patch${prefix}${scoped}${kind}${suffix}`, description: `partially update ${what}the specified ${kind}`, action: "patch", kind: sub,
    parameters: [...writing, ...query("boolean", "force"), ...itemParameters], consumes: patchMediaTypes,
    body: { definition: metaDefinition("Patch"), required: true, mediaTypes: patchMediaTypes }, responses: [[200, payload], [201, payload]],
  });
  const deleted = deletedObjectReturned.has(`${group}/${kind}`) ? ownDefinition : status;
  add(`${root}${scope}/${plural}/{name}`, [
    verbs.includes("get") && { ...common, method: "get", operationId: `read${prefix}${scoped}${kind}`, description: `read the specified ${kind}`, action: "get", kind: own, parameters: itemParameters, responses: [[200, ownDefinition]] },
    verbs.includes("update") && replace("", "", own, ownDefinition),
    verbs.includes("patch") && patch("", "", own, ownDefinition),
    verbs.includes("delete") && {
      ...common, method: "delete", operationId: `delete${prefix}${scoped}${kind}`, description: `delete ${withArticle(kind)}`, action: "delete", kind: own, parameters: [...deleting, ...itemParameters],
      body: { definition: metaDefinition("DeleteOptions"), required: false, mediaTypes: anything }, responses: [[200, deleted], [202, deleted]],
    },
  ]);

  for (const [name, sub] of Object.entries(type.subresources)) {
    const path = `${root}${scope}/${plural}/{name}/${name}`;
    const suffix = capital(name);
    const subKind = { group: sub.group, version: sub.version, kind: sub.kind };
    if (sub.kind.endsWith("Options")) {
      const parameters = [inPath("name"), ...scopeParameters, ...connectParameters(sub.group, sub.version, sub.kind)];
      const methods = name === "proxy" ? connectMethods : (["get", "post"] as const);
      const connect = (withPath: boolean): readonly Operation[] => methods.map((method) => ({
        ...common, produces: anything, method, operationId: `connect${prefix}${capital(method)}${scoped}${kind}${suffix}${withPath ? "WithPath" : ""}`, description: `connect ${method.toUpperCase()} requests to ${name} of ${kind}`,
        action: "connect", kind: subKind, parameters: withPath ? [...parameters, inPath("path")] : parameters, responses: [[200, { text: true }]],
      }));
      add(path, connect(false));
      if (name === "proxy") add(`${path}/{path}`, connect(true));
      continue;
    }
    const payload = { definition: definitionOf(sub.group, sub.version, sub.kind) };
    const isLog = group === "" && plural === "pods" && name === "log";
    add(path, [
      sub.verbs.includes("get") && {
        ...common, method: "get", operationId: `read${prefix}${scoped}${kind}${suffix}`, description: `read ${name} of the specified ${kind}`, action: "get", kind: subKind,
        parameters: isLog ? [...connectParameters("", "v1", "PodLogOptions"), ...itemParameters] : itemParameters,
        ...(isLog && { produces: ["text/plain", ...objectMediaTypes] }), responses: [[200, isLog ? { text: true } : payload]],
      },
      sub.verbs.includes("update") && replace(suffix, `${name} of `, subKind, payload),
      sub.verbs.includes("patch") && patch(suffix, `${name} of `, subKind, payload),
      sub.verbs.includes("create") && {
        ...common, method: "post", operationId: `create${prefix}${scoped}${kind}${suffix}`, description: `create ${name} of ${withArticle(kind)}`, action: "post", kind: subKind, parameters: [...writing, ...itemParameters],
        body: { ...payload, required: true, mediaTypes: anything }, responses: [[200, payload], [201, payload], [202, payload]],
      },
    ]);
  }
  return items;
}

const discoveryMediaTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"] as const;
const discoveryPath = (path: string, operationId: string, description: string, tag: string, definition: string, mediaTypes: readonly string[] = discoveryMediaTypes): PathItem => ({
  path, operations: [{ method: "get", operationId, description, tag, parameters: [], consumes: mediaTypes, produces: mediaTypes, responses: [[200, { definition }]] }],
});

export const groupVersionPath = (group: string, version: string): PathItem => discoveryPath(
  group === "" ? `/api/${version}/` : `/apis/${group}/${version}/`, `get${capital(groupId(group))}${capital(version)}APIResources`, "get available resources", groupTag(group, version), metaDefinition("APIResourceList"), objectMediaTypes,
);
export const groupPath = (group: string): PathItem => (group === ""
  ? discoveryPath("/api/", "getCoreAPIVersions", "get available API versions", "core", metaDefinition("APIVersions"))
  : discoveryPath(`/apis/${group}/`, `get${capital(groupId(group))}APIGroup`, "get information of a group", groupId(group), metaDefinition("APIGroup")));
export const groupsPath: PathItem = discoveryPath("/apis/", "getAPIVersions", "get available API versions", "apis", metaDefinition("APIGroupList"));
export const versionPath: PathItem = discoveryPath("/version/", "getCodeVersion", "get the version information for this server", "version", "io.k8s.apimachinery.pkg.version.Info", ["application/json"]);
const openIdPath = (path: string, operationId: string, description: string, tag: string, mediaType: string): PathItem => ({
  path, operations: [{ method: "get", operationId, description, tag, parameters: [], consumes: [], produces: [mediaType], responses: [[200, { text: true }]] }],
});
export const openIdConfigurationPath = openIdPath("/.well-known/openid-configuration/", "getServiceAccountIssuerOpenIDConfiguration", "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'", "WellKnown", "application/json");
export const openIdKeysPath = openIdPath("/openid/v1/jwks/", "getServiceAccountIssuerOpenIDKeyset", "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)", "openid", "application/jwk-set+json");
