/** Upstream's own components speak protobuf to their server. So does this client, in another process, and sees what others see in JSON. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { KubeList, KubeObject } from "../../src/apimachinery/object.ts";
import type { Connection } from "../../src/client/connection.ts";
import type { ApiRequest } from "../../src/apimachinery/transport.ts";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";
import { sampleObjects } from "./sample-objects.ts";

interface Life {
  readonly kind: string;
  readonly path: Pick<ApiRequest, "group" | "version" | "resource" | "namespace" | "name">;
  readonly created: KubeObject;
  readonly patched: KubeObject;
  readonly read: KubeObject;
  readonly listed: KubeList<KubeObject>;
  readonly updated: KubeObject;
  readonly modified: { readonly type: string; readonly object: KubeObject };
}
interface Report {
  readonly lives: readonly Life[];
  readonly changes: readonly string[];
  readonly errors: Readonly<Record<string, unknown>>;
  readonly encodings: readonly string[];
}

let started: TestServer;
let report: Report;

before(async () => {
  started = await startTestServer();
  const { url, pki } = started;
  const connection: Connection = { server: url, certificateAuthority: pki.ca.certificatePem, clientCertificate: pki.admin.certificatePem, clientKey: pki.admin.privateKeyPem };
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "protobuf-client.ts")], { stdio: ["pipe", "pipe", "pipe"], timeout: 60_000 });
  child.stdin.end(JSON.stringify(connection));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  assert.equal(code, 0, err);
  report = JSON.parse(out) as Report;
});
after(async () => {
  const { complaints } = started;
  await started[Symbol.asyncDispose]();
  assert.deepEqual(complaints, []);
});

test("everything but patches went over the network in protobuf", () => {
  assert.deepEqual(report.encodings, ["got application/vnd.kubernetes.protobuf", "sent application/vnd.kubernetes.protobuf", "watched application/vnd.kubernetes.protobuf;stream=watch"]);
});

for (const [{ kind }] of sampleObjects) {
  test(`${kind}: create, patch, get, list, update and watch`, async () => {
    const life = report.lives.find((each) => each.kind === kind);
    assert.ok(life);
    const { path, created, patched, read, listed, updated, modified } = life;
    assert.ok(created.metadata.uid);
    assert.deepEqual(patched.metadata.labels?.["way"], "protobuf");
    assert.deepEqual(read, patched);
    const { kind: _, apiVersion: __, ...item } = read;
    assert.deepEqual(listed.items, [item]);
    assert.deepEqual(modified, { type: "MODIFIED", object: updated });
    const { request } = started.http;
    assert.deepEqual(updated, await request.call(started.http, { verb: "get", ...path }), "as JSON has it");
  });
}

test("an informer keeps up", () => {
  assert.deepEqual(report.changes, ["add first 1", "add second 1", "update second 2", "delete first 1"]);
});

test("errors are Statuses", () => {
  const failure = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" };
  assert.deepEqual(report.errors["again"], { ...failure, message: 'pods "protobuf-pod" already exists', reason: "AlreadyExists", details: { name: "protobuf-pod", kind: "pods" }, code: 409 });
  assert.deepEqual(report.errors["missing"], { ...failure, message: 'pods "nope" not found', reason: "NotFound", details: { name: "nope", kind: "pods" }, code: 404 });
  const invalid = report.errors["invalid"] as { readonly reason: string; readonly details: { readonly causes: readonly { readonly field: string }[] } };
  assert.deepEqual([invalid.reason, invalid.details.causes.map(({ field }) => field)], ["Invalid", ["metadata.name", "spec.containers"]]);
});
