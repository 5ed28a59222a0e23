import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtInGroupVersions } from "../discovery/discovery.ts";
import { createOpenApi } from "./openapi.ts";

const reference = join(import.meta.dirname, "../../../../shared/reference");
const skip = existsSync(reference) ? false : "the reference data of Kubernetes (../shared) is not here";
const everything = createOpenApi(builtInGroupVersions(() => true));
const parse = (json: Buffer): unknown => JSON.parse(json.toString()) as unknown;

type Document = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Document => typeof value === "object" && value !== null && !Array.isArray(value);

const mapKeys = new Set(["properties", "schemas", "definitions", "paths", "responses"]);

/**
 * Both sides in one form: no descriptions, parameters in place of references to them, a lone allOf as the reference in it. Descriptions that name a field are kept: `properties` and
 * the like are maps, where "description" and "default" are names.
 */
function normal(value: unknown, parameters: Document, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((each) => normal(each, parameters));
  if (!isObject(value)) return value;
  const ref = value["$ref"];
  if (!isMap && typeof ref === "string" && ref.startsWith("#/parameters/")) return normal(parameters[ref.slice("#/parameters/".length)], parameters);
  return Object.fromEntries(Object.entries(value).flatMap(([key, each]): readonly (readonly [string, unknown])[] => {
    if (!isMap && key === "description") return [];
    if (!isMap && key === "allOf") return Object.entries((each as readonly Document[])[0] ?? {});
    if (!isMap && (key === "consumes" || key === "produces")) return [[key, (each as readonly string[]).toSorted()]];
    if (!isMap && key === "parameters" && Array.isArray(each)) {
      const plain = normal(each, parameters) as readonly Document[];
      return [[key, plain.toSorted((a, b) => (`${String(a["name"])} ${String(a["in"])}` < `${String(b["name"])} ${String(b["in"])}` ? -1 : 1))]];
    }
    return [[key, normal(each, parameters, !isMap && mapKeys.has(key))]];
  }));
}
const inNormalForm = (document: unknown): unknown => normal(document, ((document as Document)["parameters"] ?? {}) as Document);

/** The log folder of a machine is not served, on purpose (docs/openapi.md). */
const left = new Set(["logs_openapi.json"]);

for (const file of skip ? [] : readdirSync(join(reference, "openapi-v3")).filter((name) => !left.has(name))) {
  const path = file.replace(/_openapi\.json$/, "").replaceAll("__", "/");
  test(`/openapi/v3/${path} is what a server of 1.36 answers, but for descriptions`, () => {
    const found = everything.v3(path);
    assert.ok(found, "served");
    assert.deepEqual(inNormalForm(parse(found.json)), inNormalForm(JSON.parse(readFileSync(join(reference, "openapi-v3", file), "utf8"))));
  });
}

test("/openapi/v2 is what a server of 1.36 answers, but for descriptions and the names of shared parameters", { skip }, () => {
  const ours = inNormalForm(parse(everything.v2().json)) as Document;
  const theirs = inNormalForm(JSON.parse(readFileSync(join(reference, "openapi-v2.json"), "utf8"))) as Document;
  const { parameters: _, paths, ...rest } = theirs;
  const { parameters: __, paths: ourPaths, ...ourRest } = ours;
  const { "/logs/": ___, "/logs/{logpath}": ____, ...expected } = paths as Document;
  assert.deepEqual(Object.keys(ourPaths as Document).toSorted(), Object.keys(expected).toSorted());
  for (const path of Object.keys(expected)) assert.deepEqual((ourPaths as Document)[path], expected[path], path);
  for (const [name, definition] of Object.entries(rest["definitions"] as Document)) assert.deepEqual((ourRest["definitions"] as Document)[name], definition, name);
  assert.deepEqual(ourRest, rest);
});

test("the index names every document and its hash, which is the document's ETag", () => {
  const openApi = createOpenApi(builtInGroupVersions());
  const { paths } = parse(openApi.v3Index().json) as { readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> };
  assert.ok("apis/apps/v1" in paths && "api/v1" in paths && "version" in paths && !("apis/storage.k8s.io/v1beta1" in paths));
  for (const [path, { serverRelativeURL }] of Object.entries(paths)) {
    const [url, hash] = serverRelativeURL.split("?hash=");
    assert.equal(url, `/openapi/v3/${path}`);
    assert.equal(openApi.v3(path)?.etag, `"${hash}"`, path);
  }
  assert.equal(openApi.v3("apis/nope/v1"), undefined);
});

test("custom resources have their own document, with references into the built-in definitions", () => {
  const meta = { $ref: "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" };
  const widget = { group: "example.com", version: "v1", kind: "Widget" };
  const openApi = createOpenApi([{
    group: "example.com", version: "v1",
    resources: [{
      ...widget, listKind: "WidgetList", plural: "widgets", singular: "widget", shortNames: [], categories: [], namespaced: true, verbs: ["get", "list", "create", "watch"], subresources: {},
    }],
    definitions: {
      "com.example.v1.Widget": { type: "object", properties: { metadata: meta }, "x-kubernetes-group-version-kind": [widget] },
      "com.example.v1.WidgetList": { type: "object", "x-kubernetes-group-version-kind": [{ ...widget, kind: "WidgetList" }] },
    },
  }]);
  const document = parse(openApi.v3("apis/example.com/v1")?.json ?? Buffer.alloc(0)) as { readonly paths: Document; readonly components: { readonly schemas: Document } };
  assert.ok("/apis/example.com/v1/namespaces/{namespace}/widgets/{name}" in document.paths);
  assert.ok("com.example.v1.Widget" in document.components.schemas && "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" in document.components.schemas);
  assert.match(JSON.stringify(document.paths), /#\/components\/schemas\/com\.example\.v1\.Widget"/);
});
