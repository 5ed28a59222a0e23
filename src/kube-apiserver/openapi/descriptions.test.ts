import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { servedTypeNames } from "../../api/schemas.ts";
import { bundleDescriptions, installedDescriptions } from "./descriptions.ts";

const reference = join(import.meta.dirname, "../../../../shared/reference/openapi-v2.json");
const bundle = bundleDescriptions();

test("types and fields are described from the installed package", { skip: bundle ? false : "@kubernetes/client-node is not installed" }, () => {
  const descriptions = installedDescriptions();
  assert.match(descriptions.type("io.k8s.api.core.v1.Pod") ?? "", /Pod is a collection of containers/);
  assert.match(descriptions.field("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta", "continue") ?? "", /^continue may be set/);
  assert.match(descriptions.field("io.k8s.api.rbac.v1.Subject", "apiGroup") ?? "", /"rbac\.authorization\.k8s\.io" for User/);
});

test("what is described is described as upstream does, but for line breaks", { skip: bundle && existsSync(reference) ? false : "needs the reference data and @kubernetes/client-node" }, () => {
  const { definitions } = JSON.parse(readFileSync(reference, "utf8")) as {
    readonly definitions: Readonly<Record<string, { readonly description?: string; readonly properties?: Readonly<Record<string, { readonly description?: string }>> }>>;
  };
  const plain = (text: string | undefined): string => (text ?? "").replaceAll(/\s+/g, " ").trim();
  let [same, all] = [0, 0];
  for (const name of servedTypeNames()) {
    for (const [field, { description }] of Object.entries(definitions[name]?.properties ?? {})) {
      if (description === undefined) continue;
      all++;
      if (plain(bundle?.[name]?.fields[field]) === plain(description)) same++;
    }
  }
  assert.ok(same / all > 0.7, `${same} of ${all} fields`);
});
