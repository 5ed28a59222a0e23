import { testCreates, testUpdates, type Loose } from "../validation-table.ts";
import { customResourceDefinitionResource } from "./custom-resource-definition.ts";

const schema = (openAPIV3Schema: Loose): Loose => ({ schema: { openAPIV3Schema } });
const version = { name: "v1", served: true, storage: true, ...schema({ type: "object" }) };
const crd = (spec: Loose = {}, name = "foos.example.com"): Loose => ({ metadata: { name }, spec: { group: "example.com", scope: "Namespaced", names: { plural: "foos", kind: "Foo" }, versions: [version], ...spec } });
const of = (more: Loose): Loose => crd({ versions: [{ ...version, ...more }] });
const root = "spec.validation.openAPIV3Schema";

testCreates(customResourceDefinitionResource, [
  ["a good one", crd(), []],
  ["another name", crd({}, "bars.example.com"), ['metadata.name: Invalid value: "bars.example.com": must be spec.names.plural+"."+spec.group']],
  ["a group without a dot", crd({ group: "example" }, "foos.example"), ['spec.group: Invalid value: "example": should be a domain with at least one dot']],
  ["an unknown scope", crd({ scope: "X" }), ['spec.scope: Unsupported value: "X": supported values: "Cluster", "Namespaced"']],
  ["no names", crd({ names: {} }, ".example.com"), ["spec.names.plural: Required value", "spec.names.singular: Required value", "spec.names.kind: Required value", "spec.names.listKind: Required value"]],
  ["one name for two", crd({ names: { plural: "foos", kind: "Foo", listKind: "Foo" } }), ['spec.names.listKind: Invalid value: "Foo": kind and listKind may not be the same']],
  ["no schema", crd({ versions: [{ name: "v1", served: true, storage: true }] }), ["spec.versions[0].schema.openAPIV3Schema: Required value"]],
  ["nothing stored", crd({ versions: [{ ...version, storage: false }] }), [
    'spec.versions: Invalid value: [{"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]: must have exactly one version marked as storage version', "status.storedVersions: Invalid value: null: must have at least one stored version",
  ]],
  ["a warning for nothing", of({ deprecationWarning: "x" }), ['spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions']],
  ["types that are missing", of(schema({ properties: { spec: { type: "object", properties: { a: {}, b: { type: "array" }, c: { type: "array", items: {} } } } } })), [
    `${root}.properties[spec].properties[a].type: Required value: must not be empty for specified object fields`, `${root}.properties[spec].properties[b].items: Required value: must be specified`,
    `${root}.properties[spec].properties[c].items.type: Required value: must not be empty for specified array items`, `${root}.type: Required value: must not be empty at the root`,
  ]],
  ["an unknown type", of(schema({ type: "object", properties: { a: { type: "text" } } })), [`${root}.properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`]],
  ["a reference", of(schema({ type: "object", properties: { a: { type: "string", $ref: "x" } } })), [`${root}.properties[a].$ref: Forbidden: $ref is not supported`]],
  ["a number with a status", of({ ...schema({ type: "integer" }), subresources: { status: {} } }), [
    `${root}.type: Invalid value: "integer": only "object" is allowed as the type at the root of the schema if the status subresource is enabled`, `${root}.type: Invalid value: "integer": must be object at the root`,
  ]],
  ["metadata of its own", of(schema({ type: "object", properties: { metadata: { type: "object", properties: { labels: { type: "object" } } } } })), [`${root}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`]],
  ["a scale of nothing", of({ subresources: { scale: { specReplicasPath: "spec.replicas", statusReplicasPath: ".spec.replicas" } } }), [
    'spec.subresources.scale.specReplicasPath: Invalid value: "spec.replicas": must be a simple json path starting with .', 'spec.subresources.scale.statusReplicasPath: Invalid value: ".spec.replicas": should be a json path under .status',
  ]],
  ["columns of nothing", of({ additionalPrinterColumns: [{}, { name: "a", type: "text", format: "x", jsonPath: "spec" }] }), [
    "spec.additionalPrinterColumns[0].name: Required value", "spec.additionalPrinterColumns[0].type: Required value: must be one of boolean,date,integer,number,string", "spec.additionalPrinterColumns[0].JSONPath: Required value",
    'spec.additionalPrinterColumns[1].type: Invalid value: "text": must be one of boolean,date,integer,number,string', 'spec.additionalPrinterColumns[1].format: Invalid value: "x": must be one of byte,date,date-time,double,float,int32,int64,password',
    'spec.additionalPrinterColumns[1].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
  ]],
  ["versions that differ", crd({ versions: [version, { ...version, name: "v2", storage: false, ...schema({}) }] }), ["spec.versions[1].schema.openAPIV3Schema.type: Required value: must not be empty at the root"]],
  ["a webhook without a way to it", crd({ conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v2"] } } }), [
    "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook", 'spec.conversion.conversionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
  ]],
  ["a group of the community's", crd({ group: "x.k8s.io" }, "foos.x.k8s.io"), ['metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111']],
  ["everything else too", crd({ preserveUnknownFields: true }), ["spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"]],
]);

const established = { ...crd(), status: { storedVersions: ["v1"], conditions: [{ type: "Established", status: "True" }] } };
const next = { ...version, name: "v2" };
testUpdates(customResourceDefinitionResource, [
  ["another scope", established, crd({ scope: "Cluster" }), ['spec.scope: Invalid value: "Cluster": field is immutable']],
  ["another scope before it is there", crd(), crd({ scope: "Cluster" }), []],
  ["another version is stored", established, crd({ versions: [{ ...version, storage: false }, next] }), []],
  ["the stored version is gone", established, crd({ versions: [next] }), [
    'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
  ]],
]);

const listed = (list: Loose): Loose => of(schema({ type: "object", properties: { l: { type: "array", items: { type: "object", properties: { k: { type: "string" } } }, ...list } } }));
const at = `${root}.properties[l]`;
testCreates(customResourceDefinitionResource, [
  ["a map without keys", listed({ "x-kubernetes-list-type": "map" }), [`${at}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`]],
  ["a key that may be absent", listed({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] }), [
    `${at}.items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
  ]],
  ["a key that is no property", listed({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["z"] }), [`${at}.x-kubernetes-list-map-keys: Invalid value: ["z"]: entries must all be names of item properties`]],
  ["a set of open objects", listed({ "x-kubernetes-list-type": "set" }), [`${at}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`]],
  ["structure in a condition", of(schema({ type: "object", properties: { a: { type: "string", anyOf: [{ type: "string" }] } } })), [`${root}.properties[a].anyOf[0].type: Forbidden: must be empty to be structural`]],
  ["a condition on nothing", of(schema({ type: "object", anyOf: [{ required: ["a"], properties: { a: { minLength: 1 } } }] })), [`${root}.properties[a]: Required value: because it is defined in ${root}.anyOf[0].properties[a]`]],
  ["a rule that says nothing", of(schema({ type: "object", "x-kubernetes-validations": [{ rule: " " }] })), [`${root}.x-kubernetes-validations[0].rule: Required value: rule is not specified`]],
  ["a field that cannot be selected by", of({ ...schema({ type: "object", properties: { l: { type: "array", items: { type: "string" } } } }), selectableFields: [{ jsonPath: ".l" }, { jsonPath: ".x" }] }), [
    'spec.selectableFields[0].jsonPath: Invalid value: ".l": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
    'spec.selectableFields[1].jsonPath: Invalid value: ".x": is an invalid path: does not refer to a valid field',
  ]],
]);
