import assert from "node:assert/strict";
import { test } from "node:test";
import protobufjs from "protobufjs";
import { builtInGroupVersions } from "../discovery/discovery.ts";
import { createOpenApi } from "./openapi.ts";

/** What is read here of gnostic's OpenAPIv3.proto. */
const proto = `syntax = "proto3";
message Document { string openapi = 1; Info info = 2; Paths paths = 4; Components components = 5; }
message Info { string title = 1; string version = 6; }
message Paths { repeated NamedPathItem path = 1; }
message NamedPathItem { string name = 1; PathItem value = 2; }
message PathItem { Operation get = 4; Operation put = 5; Operation post = 6; Operation delete = 7; Operation patch = 10; repeated ParameterOrReference parameters = 13; }
message Operation { repeated string tags = 1; string description = 3; string operation_id = 5; repeated ParameterOrReference parameters = 6; RequestBodyOrReference request_body = 7; Responses responses = 8; repeated NamedAny specification_extension = 13; }
message ParameterOrReference { Parameter parameter = 1; Reference reference = 2; }
message Parameter { string name = 1; string in = 2; bool required = 4; SchemaOrReference schema = 10; }
message RequestBodyOrReference { RequestBody request_body = 1; }
message RequestBody { MediaTypes content = 2; bool required = 3; }
message MediaTypes { repeated NamedMediaType additional_properties = 1; }
message NamedMediaType { string name = 1; MediaType value = 2; }
message MediaType { SchemaOrReference schema = 1; }
message Responses { repeated NamedResponseOrReference response_or_reference = 2; }
message NamedResponseOrReference { string name = 1; ResponseOrReference value = 2; }
message ResponseOrReference { Response response = 1; }
message Response { string description = 1; MediaTypes content = 3; }
message Components { SchemasOrReferences schemas = 1; }
message SchemasOrReferences { repeated NamedSchemaOrReference additional_properties = 1; }
message NamedSchemaOrReference { string name = 1; SchemaOrReference value = 2; }
message SchemaOrReference { Schema schema = 1; Reference reference = 2; }
message Reference { string _ref = 1; }
message Schema { repeated string required = 23; string type = 25; repeated SchemaOrReference all_of = 26; ItemsItem items = 30; Properties properties = 31; DefaultType default = 33; string format = 35; repeated NamedAny specification_extension = 36; }
message ItemsItem { repeated SchemaOrReference schema_or_reference = 1; }
message Properties { repeated NamedSchemaOrReference additional_properties = 1; }
message DefaultType { double number = 1; bool boolean = 2; string string = 3; }
message NamedAny { string name = 1; Any value = 2; }
message Any { string yaml = 2; }`;

interface Named<T> { readonly name: string; readonly value: T }
interface SchemaOrReference {
  readonly reference?: { readonly Ref: string };
  readonly schema?: {
    readonly required?: readonly string[]; readonly type?: string; readonly properties?: { readonly additionalProperties: readonly Named<SchemaOrReference>[] }; readonly allOf?: readonly SchemaOrReference[];
    readonly default?: object; readonly specificationExtension?: readonly Named<{ readonly yaml: string }>[];
  };
}
interface Operation { readonly operationId: string; readonly responses: { readonly responseOrReference: readonly Named<unknown>[] } }
interface Document {
  readonly openapi: string;
  readonly paths: { readonly path: readonly Named<Readonly<Record<string, Operation>>>[] };
  readonly components: { readonly schemas: { readonly additionalProperties: readonly Named<SchemaOrReference>[] } };
}

test("a v3 document says in protobuf what it says in JSON", () => {
  const openApi = createOpenApi(builtInGroupVersions());
  const bytes = openApi.v3Protobuf("apis/apps/v1");
  const json = JSON.parse(openApi.v3("apis/apps/v1")?.json.toString() ?? "") as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string; readonly responses: object }>>>>;
    readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object; readonly required?: readonly string[] }>> };
  };
  assert.ok(bytes);
  assert.equal(bytes.etag, openApi.v3("apis/apps/v1")?.etag);
  const type = protobufjs.parse(proto).root.lookupType("Document");
  const read = type.toObject(type.decode(bytes.protobuf)) as Document;

  assert.equal(read.openapi, "3.0.0");
  assert.deepEqual(read.paths.path.map(({ name }) => name), Object.keys(json.paths));
  for (const { name, value } of read.paths.path) {
    for (const method of ["get", "put", "post", "delete", "patch"]) {
      assert.equal(value[method]?.operationId, json.paths[name]?.[method]?.operationId, `${method} ${name}`);
      assert.deepEqual(value[method]?.responses.responseOrReference.map((each) => each.name), json.paths[name]?.[method] && Object.keys(json.paths[name][method].responses));
    }
  }
  const schemas = read.components.schemas.additionalProperties;
  assert.deepEqual(schemas.map(({ name }) => name), Object.keys(json.components.schemas));
  for (const { name, value: { schema } } of schemas) {
    const expected = json.components.schemas[name];
    assert.deepEqual((schema?.properties?.additionalProperties ?? []).map((each) => each.name), Object.keys(expected?.properties ?? {}), name);
    assert.deepEqual(schema?.required ?? [], expected?.required ?? [], name);
  }
  const deployment = schemas.find(({ name }) => name === "io.k8s.api.apps.v1.Deployment")?.value.schema;
  const spec = deployment?.properties?.additionalProperties.find(({ name }) => name === "spec")?.value.schema;
  assert.deepEqual(spec?.allOf?.map(({ reference }) => Object.values(reference ?? {})), [["#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec"]]);
  assert.deepEqual(JSON.parse(deployment?.specificationExtension?.[0]?.value.yaml ?? ""), [{ group: "apps", kind: "Deployment", version: "v1" }]);
});
