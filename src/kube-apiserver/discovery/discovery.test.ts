import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compareVersions } from "./compare-versions.ts";
import { builtInGroupVersions, createDiscovery } from "./discovery.ts";

const reference = join(import.meta.dirname, "../../../../shared/reference/discovery");
const skip = existsSync(reference) ? false : "the reference data of Kubernetes (../shared) is not here";
const read = (file: string): unknown => JSON.parse(readFileSync(join(reference, file), "utf8"));
const everything = createDiscovery(builtInGroupVersions(() => true), { serverAddress: "10.10.10.10:8050" });

for (const file of skip ? [] : readdirSync(reference).filter((name) => !name.startsWith("aggregated"))) {
  test(`${file} is what a server of 1.36 answers`, () => {
    assert.deepEqual(everything.document(`/${file.replace(/\.json$/, "").replaceAll("__", "/")}`), read(file));
  });
}

test("aggregated discovery is what a server of 1.36 answers", { skip }, () => {
  assert.deepEqual(everything.aggregated("/apis").document, read("aggregated_v2.json"));
});

test("only stable versions are on by default", () => {
  const versions = builtInGroupVersions();
  assert.ok(versions.every(({ version }) => /^v\d+$/.test(version)));
  assert.equal(createDiscovery(versions, { serverAddress: "" }).document("/apis/certificates.k8s.io/v1beta1"), undefined);
});

test("paths that name nothing have no document; a trailing slash changes nothing", () => {
  for (const path of ["/", "/apis/nope", "/apis/apps/v2", "/api/v2", "/apis/apps/v1/pods", "/version"]) assert.equal(everything.document(path), undefined, path);
  assert.deepEqual(everything.document("/apis/"), everything.document("/apis"));
});

test("the ETag follows the content", () => {
  const fewer = createDiscovery(builtInGroupVersions(), { serverAddress: "" });
  assert.match(fewer.aggregated("/apis").etag, /^"[0-9A-F]{128}"$/);
  assert.notEqual(fewer.aggregated("/apis").etag, everything.aggregated("/apis").etag);
  assert.notEqual(fewer.aggregated("/apis").etag, fewer.aggregated("/api").etag);
});

test("custom groups come after the built-in ones, their versions in Kubernetes' order", () => {
  const custom = ["v1alpha1", "v2", "v1beta1", "v10", "foo"].map((version) => ({ group: "example.com", version, resources: [] }));
  const { groups } = createDiscovery([...custom, ...builtInGroupVersions()], { serverAddress: "" }).document("/apis") as { readonly groups: readonly { readonly name: string; readonly versions: readonly { readonly version: string }[] }[] };
  assert.equal(groups.at(-1)?.name, "example.com");
  assert.deepEqual(groups.at(-1)?.versions.map(({ version }) => version), ["v10", "v2", "v1beta1", "v1alpha1", "foo"]);
});

test("versions sort as the documentation says", () => {
  const best = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"];
  assert.deepEqual(best.toReversed().toSorted(compareVersions), best);
});
