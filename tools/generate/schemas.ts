/**
 * Writes the shape of every type as compact text; src/api/schemas.ts reads it on demand. One line per type, one indented line per field:
 *
 *     Container
 *      name! 1 string
 *      ports 6 [ContainerPort] list=map keys=containerPort,protocol strategy=merge key=containerPort
 *
 * `!` after a name means required, `*` that absent and zero differ (a pointer upstream). Then the protobuf number ("2.1": field 1 of the message in field 2, which JSON
 * inlines; "-": none), the type ("[T]" list, "{T}" map, "core-v1.T" a type of another section) and what else is known ("omitted": JSON does
 * not show the default; "wrapped": in protobuf a message of its own around the list); a default is JSON after "default=", at the end.
 */
import { pointerFields } from "./pointer-fields.ts";
import { kindsOf, refName, splitDefinitionName, type Definition, type Property, type ProtoField, type ProtoMessage, type Reference } from "./reference.ts";

const specialTypes: Readonly<Record<string, string>> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": "Quantity",
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "IntOrString",
  "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "Time",
  "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "MicroTime",
  "io.k8s.apimachinery.pkg.apis.meta.v1.Duration": "Duration",
  "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "FieldsV1",
  "io.k8s.apimachinery.pkg.runtime.RawExtension": "RawExtension",
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "JSON",
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "JSONSchemaPropsOrArray",
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "JSONSchemaPropsOrBool",
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "JSONSchemaPropsOrStringArray",
};
/** Messages that hold nothing but a list, where JSON has the list itself. */
const listMessages = new Set(["ExtraValue", "Verbs"]);

const isListMessage = (field: ProtoField | undefined): boolean => field !== undefined && listMessages.has(field.type.slice(field.type.lastIndexOf(".") + 1));

/** Groups of the versions that are no longer served but still have a protobuf form. */
const oldGroups: Readonly<Record<string, string>> = { extensions: "extensions", imagepolicy: "imagepolicy.k8s.io", admission: "admission.k8s.io", apidiscovery: "apidiscovery.k8s.io" };

/** Upstream's wire description in the reference leaves the aggregator out. */
const aggregatorPackage = "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1";
const meta = ".k8s.io.apimachinery.pkg.apis.meta.v1";
const aggregatorMessages: Readonly<Record<string, ProtoMessage>> = {
  APIService: { metadata: { type: `${meta}.ObjectMeta`, id: 1 }, spec: { type: "APIServiceSpec", id: 2 }, status: { type: "APIServiceStatus", id: 3 } },
  APIServiceCondition: { type: { type: "string", id: 1 }, status: { type: "string", id: 2 }, lastTransitionTime: { type: `${meta}.Time`, id: 3 }, reason: { type: "string", id: 4 }, message: { type: "string", id: 5 } },
  APIServiceList: { metadata: { type: `${meta}.ListMeta`, id: 1 }, items: { type: "APIService", id: 2, rule: "repeated" } },
  APIServiceSpec: {
    service: { type: "ServiceReference", id: 1 }, group: { type: "string", id: 2 }, version: { type: "string", id: 3 }, insecureSkipTLSVerify: { type: "bool", id: 4 },
    caBundle: { type: "bytes", id: 5 }, groupPriorityMinimum: { type: "int32", id: 7 }, versionPriority: { type: "int32", id: 8 },
  },
  APIServiceStatus: { conditions: { type: "APIServiceCondition", id: 1, rule: "repeated" } },
  ServiceReference: { namespace: { type: "string", id: 1 }, name: { type: "string", id: 2 }, port: { type: "int32", id: 3 } },
};

/** Embedded messages that JSON inlines, as far as the unserved versions have them. */
const inlined = new Set(["localObjectReference", "ephemeralContainerCommon", "persistentVolumeSource", "handler", "volumeSource", "ingressRuleValue", "ruleWithOperations", "rule", "deviceConfiguration"]);
const renamed: Readonly<Record<string, string>> = {
  schema: "$schema", ref: "$ref", xKubernetesPreserveUnknownFields: "x-kubernetes-preserve-unknown-fields", xKubernetesEmbeddedResource: "x-kubernetes-embedded-resource",
  xKubernetesIntOrString: "x-kubernetes-int-or-string", xKubernetesListMapKeys: "x-kubernetes-list-map-keys", xKubernetesListType: "x-kubernetes-list-type",
  xKubernetesMapType: "x-kubernetes-map-type", xKubernetesValidations: "x-kubernetes-validations",
};

const packageOfMessage = (name: string): string => name.slice(0, name.lastIndexOf("."));
const openApiName = (message: string): string => message.replace(/^k8s\.io\./, "io.k8s.").replace("apiextensions_apiserver", "apiextensions-apiserver").replace("kube_aggregator", "kube-aggregator");
const messageName = (definition: string): string => definition.replace(/^io\.k8s\./, "k8s.io.").replaceAll("-", "_");

/** The protobuf name of a field is its JSON name (`JSONPath` too), but where upstream has named it after its Go field: that begins with one capital. */
const jsonName = (proto: string): string => (/^[A-Z][a-z]/.test(proto) ? proto.charAt(0).toLowerCase() + proto.slice(1) : proto);

class Messages {
  readonly #messages: ReadonlyMap<string, ProtoMessage>;
  constructor(reference: Reference) {
    const extra = Object.entries(aggregatorMessages).map(([name, fields]) => [messageName(`${aggregatorPackage}.${name}`), fields] as const);
    this.#messages = new Map([...reference.messages, ...extra]);
  }

  names(): readonly string[] { return [...this.#messages.keys()]; }
  get(name: string): ProtoMessage | undefined { return this.#messages.get(name); }
  resolve(type: string, from: string): string { return type.startsWith(".") ? type.slice(1) : `${packageOfMessage(from)}.${type}`; }

  /** JSON field → path of protobuf numbers, through messages that JSON inlines. `properties`: the fields that JSON has, where known. */
  paths(name: string, properties: ReadonlySet<string> | undefined): ReadonlyMap<string, { readonly path: string; readonly field: ProtoField; readonly from: string }> {
    const result = new Map<string, { readonly path: string; readonly field: ProtoField; readonly from: string }>();
    const isSchema = name.endsWith(".JSONSchemaProps");
    for (const [proto, field] of Object.entries(this.get(name) ?? {})) {
      const lower = [...(properties ?? [])].find((property) => property.toLowerCase() === proto.toLowerCase());
      const json = (isSchema ? renamed[proto] : undefined) ?? (properties?.has(proto) ? proto : lower) ?? (proto === "uID" ? "uid" : proto === "aPIGroup" ? "apiGroup" : jsonName(proto));
      const isInline = /[A-Z]/.test(field.type) && (properties ? !properties.has(json) : inlined.has(proto));
      if (!isInline) result.set(json, { path: String(field.id), field, from: name });
      else for (const [inner, { path, field: innerField, from }] of this.paths(this.resolve(field.type, name), undefined)) result.set(inner, { path: `${field.id}.${path}`, field: innerField, from });
    }
    return result;
  }
}

const sectionOf = (full: string): string => full.slice(0, full.lastIndexOf("."));

/** "io.k8s.api.core.v1.Pod" seen from another section: "io.k8s.api.core.v1.Pod"; from its own: "Pod". The reader knows the specials by their bare names. */
const reference = (full: string, section: string): string => specialTypes[full] ?? (sectionOf(full) === section ? full.slice(section.length + 1) : full.replace(/^io\.k8s\.api\./, "~").replace(/^io\.k8s\.apimachinery\.pkg\.apis\.meta\.v1\./, "@"));

function typeText(property: Property, section: string): string {
  const ref = property.$ref ?? property.allOf?.[0]?.$ref;
  if (ref !== undefined) return reference(refName(ref), section);
  switch (property.type) {
    case "array": return `[${typeText(property.items ?? {}, section)}]`;
    case "object": return `{${typeText(property.additionalProperties ?? {}, section)}}`;
    case "string": return property.format === "byte" ? "bytes" : "string";
    case "integer": return property.format ?? "int64";
    case "number": return property.format ?? "number";
    case "boolean": return "boolean";
    default: throw new Error(`no type for ${JSON.stringify(property)}`);
  }
}

function protoTypeText(field: ProtoField, from: string, messages: Messages, section: string): string {
  const scalars: Readonly<Record<string, string>> = { bool: "boolean", uint32: "int32", uint64: "int64" };
  const full = messages.resolve(field.type, from);
  const name = full.slice(full.lastIndexOf(".") + 1);
  const one = /[A-Z]/.test(field.type) ? (listMessages.has(name) ? "[string]" : reference(openApiName(full), section)) : (scalars[field.type] ?? field.type);
  return field.keyType !== undefined ? `{${one}}` : field.rule === "repeated" ? `[${one}]` : one;
}

/** Zero as the default of a field says that Go always writes it, but for these, whose types declare the default on top of omitempty. */
const isOmittedDefault = (type: string, field: string): boolean =>
  /\.core\.v1\.(LocalObjectReference|(ConfigMap|Secret)(EnvSource|KeySelector|Projection)|ConfigMapVolumeSource)$/.test(type) ? field === "name"
    : type.endsWith(".ReplicationControllerSpec") ? field === "minReadySeconds" : type.endsWith(".autoscaling.v1.ScaleSpec") && field === "replicas";

const attribute = (name: string, value: unknown): string => (value === undefined ? "" : ` ${name}=${value as string}`);

function fieldLine(name: string, property: Property, withDefault: Property | undefined, options: { readonly section: string; readonly required: boolean; readonly pointer: boolean; readonly omitted: boolean; readonly wrapped: boolean; readonly path: string }): string {
  const ext = (key: string): unknown => property[`x-kubernetes-${key}`];
  const keys = ext("list-map-keys") as readonly string[] | undefined;
  return ` ${name}${options.required ? "!" : ""}${options.pointer ? "*" : ""} ${options.path} ${typeText(property, options.section)}`
    + attribute("list", ext("list-type")) + attribute("keys", keys?.join(",")) + attribute("map", ext("map-type"))
    + attribute("strategy", ext("patch-strategy")) + attribute("key", ext("patch-merge-key")) + (options.omitted ? " omitted" : "") + (options.wrapped ? " wrapped" : "")
    + attribute("default", withDefault?.default === undefined ? undefined : JSON.stringify(withDefault.default)) + "\n";
}

/** The required fields, where they are not in order of their names. */
const inOrderOf = (required: readonly string[] | undefined): string | undefined => {
  const text = required?.join(",");
  return text === required?.toSorted().join(",") ? undefined : text;
};

function definitionLines(full: string, definition: Definition, reference: Reference, messages: Messages): string {
  const section = sectionOf(full);
  const name = full.slice(section.length + 1);
  const kinds = kindsOf(definition);
  const properties = Object.entries(definition.properties ?? {});
  const paths = messages.paths(messageName(full), new Set(properties.map(([field]) => field)));
  const pointers = new Set((pointerFields[section]?.[name] ?? "").split(" "));
  const head = name + (kinds.length === 1 ? " kind" : kinds.length > 1 ? " everykind" : "") + (kinds.length > 0 && !definition.properties?.["kind"] ? " nameless" : "") + attribute("map", definition["x-kubernetes-map-type"])
    + attribute("required", inOrderOf(definition.required))
    + attribute("unions", definition["x-kubernetes-unions"] === undefined ? undefined : JSON.stringify(definition["x-kubernetes-unions"]));
  return `${head}\n${properties.map(([field, property]) => fieldLine(field, property, reference.v3[full]?.properties?.[field], {
    section, omitted: isOmittedDefault(full, field), wrapped: property.type === "array" && isListMessage(paths.get(field)?.field), required: definition.required?.includes(field) ?? false, pointer: pointers.has(field) || isInlinePointer(paths.get(field), field), path: paths.get(field)?.path ?? "-",
  })).join("")}`;
}

/** Whether a field that comes from an inlined message is a pointer there. */
const isInlinePointer = (found: { readonly from: string } | undefined, field: string): boolean => {
  if (!found) return false;
  const full = openApiName(found.from);
  return (pointerFields[sectionOf(full)]?.[full.slice(sectionOf(full).length + 1)] ?? "").split(" ").includes(field);
};

function messageLines(message: string, messages: Messages): string {
  const full = openApiName(message);
  const section = sectionOf(full);
  const name = full.slice(section.length + 1);
  const pointers = new Set((pointerFields[section]?.[name] ?? "").split(" "));
  const lines = [...messages.paths(message, undefined)].map(([json, { path, field, from }]) => ` ${json}${pointers.has(json) ? "*" : ""} ${path} ${protoTypeText(field, from, messages, section)}\n`);
  return `${name}\n${lines.join("")}`;
}

const quoteText = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${");

interface Section { readonly group: string; readonly version: string; readonly text: string }
const sectionsText = (sections: ReadonlyMap<string, Section>): string =>
  [...sections].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, { group, version, text }]) =>
    `  ${JSON.stringify(name)}: { group: ${JSON.stringify(group)}, version: ${JSON.stringify(version)}, types: \`${quoteText(text)}\` },\n`).join("");

/** Two files: what is served, and what only has a protobuf form (old versions, options). */
export function schemaModules(reference: Reference, header: string): ReadonlyMap<string, string> {
  const messages = new Messages(reference);
  const groups = new Map<string, { readonly group: string; readonly version: string }>([["io.k8s.apimachinery.pkg.apis.meta.v1", { group: "", version: "v1" }]]);
  for (const [full, definition] of Object.entries(reference.definitions)) {
    const [kind] = kindsOf(definition);
    if (kind && splitDefinitionName(full).module !== "meta-v1") groups.set(sectionOf(full), { group: kind.group, version: kind.version });
  }
  const groupOf = (section: string): { readonly group: string; readonly version: string } => {
    const known = groups.get(section);
    if (known) return known;
    const [version = "", name = ""] = section.split(".").toReversed();
    const sibling = [...groups].find(([other]) => other.split(".").at(-2) === name);
    return { group: sibling?.[1].group ?? oldGroups[name] ?? name, version };
  };
  const served = Object.entries(reference.definitions).filter(([full]) => specialTypes[full] === undefined).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const servedNames = new Set(Object.keys(reference.definitions));
  const unserved = messages.names().filter((name) => name.startsWith("k8s.io.") && !name.startsWith("k8s.io.metrics.") && !servedNames.has(openApiName(name)) && !specialTypes[openApiName(name)]
    && !/^(Quantity|QuantityValue|IntOrString|ExtraValue|Verbs|Timestamp|JSON|JSONSchemaPropsOr\w+|Duration|MicroTime|Time|TypeMeta|Unknown|RawExtension)$/.test(name.slice(name.lastIndexOf(".") + 1))).toSorted();
  const text = (names: Map<string, string[]>): ReadonlyMap<string, Section> => new Map([...names].map(([section, lines]) => [section, { ...groupOf(section), text: `\n${lines.join("")}` }]));
  const collect = (items: readonly (readonly [string, string])[]): Map<string, string[]> => {
    const result = new Map<string, string[]>();
    for (const [section, lines] of items) result.set(section, [...(result.get(section) ?? []), lines]);
    return result;
  };
  const servedSections = text(collect(served.map(([full, definition]) => [sectionOf(full), definitionLines(full, definition, reference, messages)])));
  const unservedSections = text(collect(unserved.map((name) => [sectionOf(openApiName(name)), messageLines(name, messages)])));
  const everyKind = kindsOf(reference.definitions["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"] ?? {}).map(({ group, version }) => (group === "" ? version : `${group}/${version}`));
  const type = "export interface SchemaSection { readonly group: string; readonly version: string; readonly types: string }\n";
  const about = "/** Package → its types as text; the form is described in tools/generate/schemas.ts. */\n";
  return new Map([
    ["schema-facts.ts", `${header}${type}\n${about}export const schemaFacts: Readonly<Record<string, SchemaSection>> = {\n${sectionsText(servedSections)}};

/** The group versions in which DeleteOptions and WatchEvent are registered, in OpenAPI's order. */
export const everyGroupVersion: readonly string[] = ${JSON.stringify(everyKind).replaceAll(",", ", ")};
`],
    ["unserved-schema-facts.ts", `${header}import type { SchemaSection } from "./schema-facts.ts";\n\n/** What has a protobuf form but no place in OpenAPI: versions that are no longer served, options, envelopes. */
export const unservedSchemaFacts: Readonly<Record<string, SchemaSection>> = {\n${sectionsText(unservedSections)}};\n`],
  ]);
}
