import assert from "node:assert/strict";
import { test } from "node:test";
import { customresourcedefinitions } from "../../api/generated/apiextensions-v1.ts";
import { encodeProtobuf } from "../../api/protobuf.ts";
import { StoredForm } from "./cache-entry.ts";

const names = { plural: "crontabs", singular: "crontab", kind: "CronTab", listKind: "CronTabList" };
const head = { apiVersion: "apiextensions.k8s.io/v1beta1", kind: "CustomResourceDefinition", metadata: { name: "crontabs.example.com", uid: "u" } } as const;
const schema = { openAPIV3Schema: { type: "object", properties: { spec: { type: "object" } } } };
const old = {
  group: "example.com", version: "v1", names, scope: "Namespaced", validation: schema, subresources: { status: {} },
  additionalPrinterColumns: [{ name: "Age", type: "date", JSONPath: ".metadata.creationTimestamp" }],
};
const clientConfig = { service: { namespace: "a", name: "b", path: "/", port: 443 } };

test("definitions that upstream has stored in v1beta1 are read as v1", () => {
  const form = new StoredForm(customresourcedefinitions);
  const said = { schema, subresources: { status: {} }, additionalPrinterColumns: [{ name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }] };
  const common = { group: "example.com", names, scope: "Namespaced" };
  const cases = [
    ["one version, said at the top", old, { ...common, versions: [{ name: "v1", served: true, storage: true, ...said }] }],
    ["several versions share what is said at the top", { ...old, versions: [{ name: "v1", served: true, storage: true }, { name: "v2", served: true, storage: false }] },
      { ...common, versions: [{ name: "v1", served: true, storage: true, ...said }, { name: "v2", served: true, storage: false, ...said }] }],
    ["each version has its own", { ...common, preserveUnknownFields: false, versions: [{ name: "v1", served: true, storage: true, schema }], conversion: { strategy: "Webhook", webhookClientConfig: clientConfig, conversionReviewVersions: ["v1"] } },
      { ...common, versions: [{ name: "v1", served: true, storage: true, schema }], conversion: { strategy: "Webhook", webhook: { clientConfig, conversionReviewVersions: ["v1"] } } }],
  ] as const;
  for (const [what, spec, expected] of cases) {
    for (const stored of [new TextEncoder().encode(JSON.stringify({ ...head, spec })), encodeProtobuf({ ...head, spec })]) {
      const { apiVersion, spec: read } = form.decode(stored, 3) as unknown as { readonly apiVersion: string; readonly spec: unknown };
      assert.equal(apiVersion, "apiextensions.k8s.io/v1");
      assert.deepEqual(read, expected, what);
    }
  }
});
