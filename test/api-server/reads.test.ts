/** What lists and watches take and refuse, in upstream's words: apimachinery's validation of ListOptions, apiserver's storage and the kinds' own field labels. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { resources } from "../../src/api/all.ts";
import { startTestServer, type TestServer } from "./fixture.ts";

let started: TestServer;
before(async () => void (started = await startTestServer()));
after(async () => {
  const { complaints } = started;
  await started[Symbol.asyncDispose]();
  assert.deepEqual(complaints, []);
});

interface Body {
  readonly message?: string;
  readonly reason?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items?: readonly { readonly metadata: { readonly name: string } }[];
}

async function get(path: string, query: Readonly<Record<string, string>>): Promise<{ readonly code: number; readonly body: Body }> {
  using response = await started.http.raw({ method: "GET", path: `${path}?${new URLSearchParams(query).toString()}`, headers: {} });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return { code: response.status, body: JSON.parse(Buffer.concat(chunks).toString().split("\n")[0] || "{}") as Body };
}

const maps = "/api/v1/namespaces/reads/configmaps";
const token = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

test("each combination of resourceVersion, resourceVersionMatch, limit and continue", async () => {
  const make = (resource: string, body: object, namespace?: string) => started.local.request({ verb: "create", group: "", version: "v1", resource, body, ...(namespace !== undefined && { namespace }) });
  await make("namespaces", { metadata: { name: "reads" } });
  for (const name of ["a", "b", "c"]) await make("configmaps", { metadata: { name } }, "reads");
  const { body: { metadata: { resourceVersion: then = "" } = {} } } = await get(maps, {});
  await make("configmaps", { metadata: { name: "d" } }, "reads");
  const { body: first } = await get(maps, { limit: "2" });
  const now = first.metadata?.resourceVersion ?? "";
  const next = first.metadata?.continue ?? "";
  assert.deepEqual([first.items?.length, first.metadata?.remainingItemCount], [2, 2]);

  const forbidden = (...messages: readonly string[]) => ({ code: 422, message: `ListOptions.meta.k8s.io "" is invalid: ${messages.length === 1 ? messages[0] : `[${messages.join(", ")}]`}` });
  const needsVersion = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided";
  const noContinue = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided";
  const all = ["a", "b", "c", "d"];
  const wrong = 'resourceVersionMatch: Unsupported value: "Later": supported values: "Exact", "NotOlderThan", ""';
  const cases: readonly (readonly [query: Readonly<Record<string, string>>, expected: { readonly code: number; readonly message: string } | { readonly names: readonly string[]; readonly version?: string; readonly more?: boolean }])[] = [
    [{}, { names: all, version: now }],
    [{ limit: "3" }, { names: all.slice(0, 3), version: now, more: true }],
    [{ limit: "-1" }, { names: all, version: now }],
    [{ resourceVersion: "0" }, { names: all }],
    [{ resourceVersion: "0", limit: "1" }, { names: all }],
    [{ resourceVersion: then }, { names: all, version: now }],
    [{ resourceVersion: then, limit: "2" }, { names: ["a", "b"], version: then, more: true }],
    [{ resourceVersion: then, limit: "5" }, { names: ["a", "b", "c"], version: then }],
    [{ resourceVersion: then, resourceVersionMatch: "NotOlderThan" }, { names: all, version: now }],
    [{ resourceVersion: then, resourceVersionMatch: "NotOlderThan", limit: "2" }, { names: ["a", "b"], version: now, more: true }],
    [{ resourceVersion: then, resourceVersionMatch: "Exact" }, { names: ["a", "b", "c"], version: then }],
    [{ resourceVersion: then, resourceVersionMatch: "Exact", limit: "1" }, { names: ["a"], version: then, more: true }],
    [{ resourceVersion: now, resourceVersionMatch: "Exact" }, { names: all, version: now }],
    [{ resourceVersion: "0", resourceVersionMatch: "NotOlderThan" }, { names: all }],
    [{ resourceVersion: "0", resourceVersionMatch: "Exact" }, forbidden('resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"')],
    [{ resourceVersionMatch: "Exact" }, forbidden(needsVersion)],
    [{ resourceVersionMatch: "NotOlderThan" }, forbidden(needsVersion)],
    [{ resourceVersionMatch: "Later" }, forbidden(needsVersion, wrong)],
    [{ resourceVersion: "1", resourceVersionMatch: "Later" }, forbidden(wrong)],
    [{ sendInitialEvents: "true" }, forbidden("sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list")],
    [{ continue: next }, { names: ["c", "d"], version: now }],
    [{ continue: next, limit: "1" }, { names: ["c"], version: now, more: true }],
    [{ continue: next, resourceVersion: "0" }, { names: ["c", "d"], version: now }],
    [{ continue: next, resourceVersion: now }, { code: 400, message: "specifying resource version is not allowed when using continue" }],
    [{ continue: next, resourceVersionMatch: "Exact" }, forbidden(needsVersion, noContinue)],
    [{ continue: token({ v: "meta.k8s.io/v1", rv: -1, start: "reads/b\u0000" }) }, { names: ["c", "d"] }],
    [{ continue: "!" }, { code: 400, message: "invalid continue token: continue key is not valid: illegal base64 data at input byte 0" }],
    [{ continue: token({ v: "v2", rv: 1, start: "a" }) }, { code: 400, message: "invalid continue token: continue key is not valid: server does not recognize this encoded version v2" }],
    [{ continue: token({ v: "meta.k8s.io/v1", rv: 0, start: "a" }) }, { code: 400, message: "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)" }],
    [{ continue: token({ v: "meta.k8s.io/v1", rv: 1, start: "" }) }, { code: 400, message: "invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)" }],
    [{ continue: token({ v: "meta.k8s.io/v1", rv: 1, start: "../secrets/a" }) }, { code: 400, message: "invalid continue token: continue key is not valid: ../secrets/a" }],
    [{ resourceVersion: "x" }, { code: 400, message: 'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax' }],
    [{ resourceVersion: "-1" }, { code: 400, message: 'invalid resource version: resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax' }],
    [{ resourceVersion: "18446744073709551616" }, { code: 400, message: 'invalid resource version: resourceVersion: Invalid value: "18446744073709551616": strconv.ParseUint: parsing "18446744073709551616": value out of range' }],
    [{ resourceVersion: "9999999" }, { code: 504, message: `Timeout: Too large resource version: 9999999, current: ${now}` }],
    [{ resourceVersion: "9999999", resourceVersionMatch: "Exact" }, { code: 504, message: `Timeout: Too large resource version: 9999999, current: ${now}` }],
    [{ limit: "x" }, { code: 400, message: 'strconv.ParseInt: parsing "x": invalid syntax' }],
    [{ limit: "9223372036854775808" }, { code: 400, message: 'strconv.ParseInt: parsing "9223372036854775808": value out of range' }],
    [{ labelSelector: "!x", limit: "2" }, { names: ["a", "b"], version: now, more: true }],
    [{ fieldSelector: "metadata.name=c" }, { names: ["c"], version: now }],
    [{ fieldSelector: "metadata.name!=c,metadata.namespace=reads" }, { names: ["a", "b", "d"], version: now }],
  ];
  for (const [query, expected] of cases) {
    const { code, body } = await get(maps, query);
    const what = JSON.stringify(query);
    if ("code" in expected) {
      assert.deepEqual([code, body.message], [expected.code, expected.message], what);
      continue;
    }
    assert.equal(code, 200, `${what}: ${body.message ?? ""}`);
    assert.deepEqual(body.items?.map(({ metadata }) => metadata.name).filter((name) => name.length === 1), expected.names, what);
    if (expected.version !== undefined) assert.equal(body.metadata?.resourceVersion, expected.version, what);
    assert.equal(body.metadata?.continue !== undefined, expected.more === true, what);
    // How many remain is told only where nothing is selected.
    assert.equal(body.metadata?.remainingItemCount !== undefined, expected.more === true && !("labelSelector" in query), what);
  }
});

test("options of a watch", async () => {
  const forbidden = (...messages: readonly string[]) => `ListOptions.meta.k8s.io "" is invalid: ${messages.length === 1 ? messages[0] : `[${messages.join(", ")}]`}`;
  const cases: readonly (readonly [Readonly<Record<string, string>>, number, string])[] = [
    [{ sendInitialEvents: "true" }, 422, forbidden("resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")],
    [{ resourceVersionMatch: "NotOlderThan" }, 422, forbidden("resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")],
    [{ resourceVersionMatch: "Exact", sendInitialEvents: "false" }, 422, forbidden(
      "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan", 'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"')],
    [{ resourceVersionMatch: "NotOlderThan", sendInitialEvents: "true", continue: "x" }, 422, forbidden("resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided")],
    [{ resourceVersion: "x" }, 400, 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'],
    [{ fieldSelector: "a=b" }, 400, '"a" is not a known field selector: only "metadata.name", "metadata.namespace"'],
  ];
  for (const [query, code, message] of cases) {
    const answer = await get(maps, { watch: "true", timeoutSeconds: "1", ...query });
    assert.deepEqual([answer.code, answer.body.message], [code, message], JSON.stringify(query));
  }
});

/** By upstream's AddFieldLabelConversionFunc; kinds that have none know the two of the metadata. */
const labels: Readonly<Record<string, readonly string[]>> = {
  "/pods": ["metadata.name", "metadata.namespace", "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName", "spec.host"],
  "/nodes": ["metadata.name", "spec.unschedulable"],
  "/replicationcontrollers": ["metadata.name", "metadata.namespace", "status.replicas"],
  "/events": ["involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type", "metadata.namespace", "metadata.name"],
  "events.k8s.io/events": ["reason", "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath", "reportingController", "type", "metadata.namespace", "metadata.name"],
  "/namespaces": ["status.phase", "metadata.name"],
  "/secrets": ["type", "metadata.namespace", "metadata.name"],
  "/services": ["metadata.namespace", "metadata.name", "spec.clusterIP", "spec.type"],
  "certificates.k8s.io/certificatesigningrequests": ["metadata.name", "spec.signerName"],
  "resource.k8s.io/resourceslices": ["metadata.name", "spec.nodeName", "spec.driver"],
  "batch/jobs": ["metadata.name", "metadata.namespace", "status.successful"],
};
const textOf: Readonly<Record<string, (field: string) => string>> = {
  "batch/jobs": (field) => `field label "${field}" not supported for Job`,
  "resource.k8s.io/resourceslices": (field) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${field}`,
};
const candidates = new Set([...Object.values(labels).flat(), "name", "spec.replicas", "__proto__", "constructor"]);

for (const { type } of resources.filter(({ type: { verbs } }) => verbs.includes("list"))) {
  const key = `${type.group}/${type.plural}`;
  test(`field labels of ${key} in ${type.version}`, async () => {
    const known = labels[key] ?? ["metadata.name", "metadata.namespace"];
    const path = `${type.group === "" ? "/api" : `/apis/${type.group}`}/${type.version}/${type.plural}`;
    for (const field of candidates) {
      const { code, body } = await get(path, { fieldSelector: `${field}=nobody` });
      if (known.includes(field)) assert.deepEqual([code, body.items], [200, []], field);
      else {
        const text = textOf[key]?.(field) ?? (labels[key] ? `field label not supported: ${field}` : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
        assert.deepEqual([code, body.message], [400, text]);
      }
    }
  });
}
