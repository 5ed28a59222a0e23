/**
 * A client that speaks protobuf, in a process of its own: `node protobuf-client.ts < connection.json`. Says at the end, as one line of JSON, what it did and saw, and in which
 * encoding that came; protobuf-client.test.ts compares that with what the server says in JSON.
 */
import { text } from "node:stream/consumers";
import { allResources } from "../../src/api/generated/all-resources.ts";
import { configmaps, pods, type ConfigMap } from "../../src/api/generated/core-v1.ts";
import { protobufCodec } from "../../src/api/protobuf.ts";
import { apiVersionOf, type KubeObject, type ResourceType } from "../../src/apimachinery/object.ts";
import { StatusError } from "../../src/apimachinery/status-error.ts";
import type { Connection } from "../../src/client/connection.ts";
import { protobuf, type Encoding } from "../../src/client/encoding.ts";
import { HttpTransport } from "../../src/client/http-transport.ts";
import { Informers } from "../../src/client/informers.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { cryptoRandom } from "../../src/stdx/random.ts";
import { sampleObjects } from "./sample-objects.ts";

const namespace = "default";
const encodings = new Set<string>();
const told = (contentType: string): string => {
  encodings.add(contentType);
  return contentType;
};

/** Notes what goes over the network. */
function noted(encoding: Encoding): Encoding {
  return {
    accept: encoding.accept,
    write(object) {
      const sent = encoding.write(object);
      told(`sent ${sent.contentType}`);
      return sent;
    },
    read: (bytes, contentType) => {
      told(`got ${contentType}`);
      return encoding.read(bytes, contentType);
    },
    events: (chunks, contentType) => {
      told(`watched ${contentType}`);
      return encoding.events(chunks, contentType);
    },
  };
}

function typeOf(apiVersion: string, kind: string): ResourceType {
  const found = allResources.find(({ type }) => apiVersionOf(type) === apiVersion && type.kind === kind);
  if (!found) throw new Error(`no resource for ${apiVersion} ${kind}`);
  return found.type;
}

/** Everything that is done with one object, told as what came back. */
async function lifeOf(client: TypedClient, object: (typeof sampleObjects)[number][0], namespaced: boolean): Promise<unknown> {
  const type = typeOf(object.apiVersion, object.kind);
  const named = { name: `protobuf-${object.kind.toLowerCase()}`, ...(namespaced && { namespace }) };
  const created = await client.create(type, { ...object, metadata: named } as KubeObject);
  const patched = await client.patch(type, named, "application/merge-patch+json", { metadata: { labels: { way: "protobuf" } } });
  const read = await client.get(type, named);
  const listed = await client.list(type, { ...(namespaced && { namespace }), labelSelector: "way=protobuf" });
  using watching = client.watch(type, { ...(namespaced && { namespace }), labelSelector: "way=protobuf", resourceVersion: listed.metadata.resourceVersion ?? "" });
  const events = watching[Symbol.asyncIterator]();
  const first = events.next();
  const updated = await client.update(type, { ...read, metadata: { ...read.metadata, annotations: { updated: "yes" } } });
  const modified = (await first).value;
  return { kind: type.kind, path: { group: type.group, version: type.version, resource: type.plural, ...named }, created, patched, read, listed, updated, modified };
}

async function informed(client: TypedClient, signal: AbortSignal): Promise<readonly string[]> {
  const informers = new Informers({ client, clock: systemClock, random: cryptoRandom, log: silentLog, signal });
  const body = (name: string, n: string): ConfigMap => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels: { informed: "yes" } }, data: { n } });
  await client.create(configmaps, body("first", "1"));
  const heard: string[] = [];
  const gone = Promise.withResolvers<void>();
  const { cache } = informers.of(configmaps, { namespace, labelSelector: "informed=yes" });
  const seen = Promise.withResolvers<void>();
  cache.onChange(({ previous, next }) => {
    heard.push(`${previous ? (next ? "update" : "delete") : "add"} ${(next ?? previous)?.metadata.name ?? ""} ${(next ?? previous)?.data?.["n"] ?? ""}`);
    seen.resolve();
    if (!next) gone.resolve();
  });
  await seen.promise;
  await client.create(configmaps, body("second", "1"));
  await client.update(configmaps, body("second", "2"));
  await client.delete(configmaps, { name: "first", namespace });
  await gone.promise;
  return heard;
}

const refused = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    return await call;
  } catch (error) {
    if (error instanceof StatusError) return error.toStatus();
    throw error;
  }
};

const connection = JSON.parse(await text(process.stdin)) as Connection;
const stop = new AbortController();
using transport = new HttpTransport({ connection, clock: systemClock, encoding: noted(protobuf(protobufCodec)), userAgent: "protobuf-client" });
const client = new TypedClient(transport, { fieldManager: "protobuf-client" });
const lives: unknown[] = [];
for (const [object, namespaced] of sampleObjects) lives.push(await lifeOf(client, object, namespaced));
const changes = await informed(client, stop.signal);
const errors = {
  again: await refused(client.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "protobuf-pod", namespace }, spec: { containers: [{ name: "c", image: "nginx" }] } })),
  missing: await refused(client.get(pods, { name: "nope", namespace })),
  invalid: await refused(client.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "UPPER", namespace }, spec: { containers: [] } })),
};
stop.abort(new Error("the work is done"));
console.log(JSON.stringify({ lives, changes, errors, encodings: [...encodings].toSorted() }));
