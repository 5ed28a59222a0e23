// While the store cannot do its work, or does not say what became of it, clients hear 503 or 504 on every path: never 500, which says that we are broken.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { deployments } from "../../src/api/generated/apps-v1.ts";
import { configmaps, pods, services } from "../../src/api/generated/core-v1.ts";
import { StatusError } from "../../src/apimachinery/status-error.ts";
import type { ApiRequest } from "../../src/apimachinery/transport.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { OutcomeUnknownError, UnavailableError, type Entry, type Listing, type Revision } from "../../src/storage/store.ts";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";

type Trouble = "none" | "everything is unavailable" | "all but its revision is unavailable" | "writes are not answered";

/** A store that others write to as well, and that fails as it is told. */
class FailingStore extends MemoryStore {
  trouble: Trouble = "none";

  #read(): void {
    if (this.trouble === "everything is unavailable" || this.trouble === "all but its revision is unavailable") throw new UnavailableError("etcd does not answer");
  }
  #write(): void {
    this.#read();
    if (this.trouble === "writes are not answered") throw new OutcomeUnknownError("it is not known whether it was written");
  }
  async latest(): Promise<Revision> {
    if (this.trouble === "everything is unavailable") throw new UnavailableError("etcd does not answer");
    return this.revision;
  }
  override async get(...args: Parameters<MemoryStore["get"]>): Promise<Entry | undefined> {
    this.#read();
    return super.get(...args);
  }
  override async list(...args: Parameters<MemoryStore["list"]>): Promise<Listing> {
    this.#read();
    return super.list(...args);
  }
  override async put(...args: Parameters<MemoryStore["put"]>): Promise<Revision> {
    this.#write();
    return super.put(...args);
  }
  override async delete(...args: Parameters<MemoryStore["delete"]>): Promise<Revision> {
    this.#write();
    return super.delete(...args);
  }
}

const namespace = "default";
const core = { group: "", version: "v1", namespace } as const;
const store = new FailingStore();
let server: TestServer;
let past = "";

before(async () => {
  server = await startTestServer({ store });
  const client = new TypedClient(server.local);
  const { metadata: { resourceVersion = "" } } = await client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace } });
  past = resourceVersion;
  await client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b", namespace } });
  await client.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace }, spec: { containers: [{ name: "c", image: "i" }] } });
  await client.create(services, { apiVersion: "v1", kind: "Service", metadata: { name: "s", namespace }, spec: { type: "NodePort", ports: [{ port: 80 }] } });
  await client.create(deployments, {
    apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d", namespace },
    spec: { selector: { matchLabels: { a: "b" } }, template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } } },
  });
});
after(() => {
  store.trouble = "none";
  return server?.[Symbol.asyncDispose]();
});

const json = "application/merge-patch+json";
const requests: Readonly<Record<string, ApiRequest>> = {
  "get": { ...core, verb: "get", resource: "configmaps", name: "a" },
  "list": { ...core, verb: "list", resource: "configmaps" },
  "list of the past": { ...core, verb: "list", resource: "configmaps", query: { resourceVersion: "PAST", resourceVersionMatch: "Exact" } },
  "list in pages of the past": { ...core, verb: "list", resource: "configmaps", query: { resourceVersion: "PAST", limit: "1" } },
  "create": { ...core, verb: "create", resource: "configmaps", body: { metadata: { name: "new" } } },
  "update": { ...core, verb: "update", resource: "configmaps", name: "a", body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace }, data: { x: "y" } } },
  "patch": { ...core, verb: "patch", resource: "configmaps", name: "a", patchType: json, body: { data: { x: "y" } } },
  "apply": { ...core, verb: "patch", resource: "configmaps", name: "z", patchType: "application/apply-patch+yaml", query: { fieldManager: "m" }, body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "z" } } },
  "delete": { ...core, verb: "delete", resource: "configmaps", name: "b" },
  "deletecollection": { ...core, verb: "deletecollection", resource: "configmaps" },
  "service with an address and a port": { ...core, verb: "create", resource: "services", body: { metadata: { name: "new" }, spec: { type: "NodePort", ports: [{ port: 80 }] } } },
  "service that gives them back": { ...core, verb: "delete", resource: "services", name: "s" },
  "status": { ...core, verb: "patch", resource: "pods", subresource: "status", name: "p", patchType: json, body: { status: { message: "m" } } },
  "binding": { ...core, verb: "create", resource: "pods", subresource: "binding", name: "p", body: { metadata: { name: "p" }, target: { kind: "Node", name: "n" } } },
  "eviction": { ...core, verb: "create", resource: "pods", subresource: "eviction", name: "p", body: { metadata: { name: "p" } } },
  "scale": { group: "apps", version: "v1", namespace, verb: "patch", resource: "deployments", subresource: "scale", name: "d", patchType: json, body: { spec: { replicas: 3 } } },
};

async function codeOf(request: ApiRequest): Promise<number> {
  const query = request.query && Object.fromEntries(Object.entries(request.query).map(([key, value]) => [key, value === "PAST" ? past : value]));
  try {
    await server.local.request({ ...request, ...(query && { query }) });
    return 200;
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    const { code = 0, details } = error.toStatus();
    if (code === 503) assert.equal(details?.retryAfterSeconds, 1);
    if (code === 504) assert.equal(details?.retryAfterSeconds, undefined, "or clients would make it again");
    return code;
  }
}

/** What reads the caches goes on as long as it is known how old they are. */
const cached = new Set(["get", "list"]);
const reads = new Set([...cached, "list of the past", "list in pages of the past"]);

for (const [trouble, expected] of [
  ["everything is unavailable", () => 503],
  ["all but its revision is unavailable", (name) => (cached.has(name) ? 200 : 503)],
  ["writes are not answered", (name) => (reads.has(name) ? 200 : 504)],
] as const satisfies readonly (readonly [Trouble, (name: string) => number])[]) {
  test(trouble, async () => {
    store.trouble = trouble;
    try {
      for (const [name, request] of Object.entries(requests)) assert.equal(await codeOf(request), expected(name), name);
    } finally {
      store.trouble = "none";
    }
    assert.deepEqual(server.complaints, []);
  });
}
