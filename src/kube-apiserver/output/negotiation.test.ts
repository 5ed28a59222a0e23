import assert from "node:assert/strict";
import { test } from "node:test";
import { aggregatedDiscoveryAccept } from "./document-accept.ts";
import { negotiate, wantsPretty } from "./negotiation.ts";

test("what the client wants", () => {
  const all = { table: true, partial: true };
  for (const [accept, offered, expected] of [
    [undefined, all, "json object"],
    ["*/*", all, "json object"],
    ["application/yaml", all, "yaml object"],
    ["application/vnd.kubernetes.protobuf,application/json", all, "protobuf object"],
    ["application/json;q=0.5,application/yaml", all, "yaml object"],
    ["*/*,application/yaml", all, "yaml object"],
    ["application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", all, "json Table"],
    ["application/json;as=Table;v=v1;g=meta.k8s.io,application/json", { table: false, partial: false }, "json object"],
    ["application/json;as=Table;v=v1;g=meta.k8s.io", { table: false, partial: false }, "refused"],
    ["application/json;as=Table;v=v2;g=meta.k8s.io", all, "refused"],
    ["application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", all, "protobuf PartialObjectMetadataList"],
    ["text/html", all, "refused"],
  ] as const) {
    let told: string;
    try {
      const { media, as } = negotiate(accept, offered, false);
      told = `${media} ${as}`;
    } catch {
      told = "refused";
    }
    assert.equal(told, expected, accept ?? "nothing");
  }
});

test("people get indented JSON", () => {
  assert.deepEqual([wantsPretty(null, "curl/8.0"), wantsPretty("false", "curl/8.0"), wantsPretty(null, "kubectl/v1.36.4"), wantsPretty("1", "kubectl")], [true, false, false, true]);
});

test("discovery in one document is for those who ask for it, in any encoding", () => {
  const form = "as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io";
  for (const [accept, expected] of [
    [`application/json;${form}`, "json"],
    [`application/json,application/json;${form}`, "json"],
    [`application/vnd.kubernetes.protobuf;${form},application/json;${form}`, "protobuf"],
    [`*/*;${form}`, "json"],
    ["application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io,application/json", undefined],
    ["application/json", undefined],
    [undefined, undefined],
  ] as const) assert.equal(aggregatedDiscoveryAccept(accept), expected, accept ?? "nothing");
});
