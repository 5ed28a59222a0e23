/** Requests of those who mean no good: each gets an answer that says so, and leaves nothing behind, also over restarts of a server on its file. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { resources } from "../../src/api/all.ts";
import { schemas } from "../../src/api/schemas.ts";
import { createProtobufCodec } from "../../src/apimachinery/protobuf/codec.ts";
import { parseYaml } from "../../src/apimachinery/yaml.ts";
import { openStore } from "../../src/storage/open-store.ts";
import { keyOfChange } from "../../src/storage/store.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";
import { everyAim, hostileRequest, prey, type Aim, type HostileRequest } from "./hostile-requests.ts";

/** KEELSON_SEED=… repeats what was seen; KEELSON_HOSTILE_RUNS=… looks longer. */
const seed = Number(process.env["KEELSON_SEED"] ?? 20_261_121);
const runs = Number(process.env["KEELSON_HOSTILE_RUNS"] ?? 3_000);
const answerWithinMs = 20_000;
const restockEvery = 250;
const restartEvery = Math.max(Math.floor(runs / 3), 1);
const heapGrowthBytesMax = 96 * 1024 * 1024;

const protobuf = createProtobufCodec(schemas);
const options = { resources: resources.map(({ type }) => type), schemas, protobuf };
const aims = [...everyAim(options.resources)];

let folder: string;
let started: TestServer;
/** Keys that were changed since it was last looked. */
let changed: string[] = [];

const open = () => openStore({ store: `sqlite:${join(folder, "state.db")}` }, { clock: systemClock, log: silentLog });

async function start(more: Parameters<typeof startTestServer>[0] = {}): Promise<void> {
  started = await startTestServer({ store: await open(), ...more });
  const { store } = started;
  const follow = async (): Promise<void> => {
    using watch = store.watch("/registry/", { after: store.revision });
    for await (const change of watch) changed.push(keyOfChange(change));
  };
  void follow().catch(() => undefined);
}
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "keelson-hostile-"));
  await start();
});
after(async () => {
  const { complaints } = started;
  await started[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  assert.deepEqual(complaints, []);
});

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly bytes: Buffer;
}

async function send({ method, path, headers, body }: HostileRequest): Promise<Answer> {
  using response = await started.http.raw({ method, path, headers, ...(body && { body }), signal: AbortSignal.timeout(answerWithinMs) });
  const type = String(response.headers["content-type"] ?? "");
  // A watch goes on; that it began is its answer.
  if (response.status === 200 && method === "GET" && /[?&]watch=/.test(path)) return { code: 200, type, bytes: Buffer.alloc(0) };
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return { code: response.status, type, bytes: Buffer.concat(chunks) };
}

async function stock(first: boolean): Promise<void> {
  await send({ method: "POST", path: "/api/v1/namespaces/default/serviceaccounts", headers: { "content-type": "application/json" }, body: Buffer.from('{"metadata":{"name":"default"}}') });
  for (const [path, object] of prey) {
    const { code, bytes } = await send({ method: "POST", path, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify({ metadata: { name: "a" }, ...object })) });
    // Others may have brought rules (quotas, defaults) by which it is refused; at first there are none.
    assert.ok(code === 201 || code === 409 || (!first && code < 500), `${path}: ${bytes.toString()}`);
  }
}

/** What is answered with a code of 500 and above, as upstream does: what may yet come, and nodes that this server does not reach. */
const known: readonly RegExp[] = [/^Timeout: Too large resource version: /, /^this server has no connection to nodes$/];

function check({ method, path }: HostileRequest, { code, type, bytes }: Answer): void {
  assert.ok(code >= 200 && code < 600, String(code));
  if (code < 400 || method === "HEAD") return;
  const text = bytes.toString();
  if (type.startsWith("text/plain")) {
    assert.ok(text.startsWith("404 page not found") || code < 500, text);
    return;
  }
  const status = (type.startsWith("application/json") ? JSON.parse(text) : type.startsWith("application/yaml") ? parseYaml(text) : protobuf.decode(bytes)) as { kind: string; status: string; code: number; message: string };
  assert.deepEqual([status.kind, status.status, status.code], ["Status", "Failure", code], `${path}: ${text}`);
  assert.ok(status.message.length > 0);
  if (code >= 500) assert.ok(known.some((each) => each.test(status.message)), text);
}

/** What the server itself keeps in agreement with Services, in its own time. */
const isOwnWork = (key: string): boolean => /^\/registry\/(?:ipaddresses|ranges|events|servicecidrs)\//.test(key);

async function attack(request: HostileRequest): Promise<void> {
  changed = [];
  const answer = await send(request);
  check(request, answer);
  assert.deepEqual(started.complaints, []);
  const stays = answer.code >= 400 || request.method === "GET" || /[?&]dryRun=All/.test(request.path);
  if (stays) assert.deepEqual(changed.filter((key) => !isOwnWork(key)), [], `${request.method} ${request.path} was answered with ${answer.code} and stored something`);
}

const collectGarbage = (): number => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
};

const listable = resources.map(({ type }) => type).filter(({ verbs }) => verbs.includes("list"))
  .map((type) => ({ path: `${type.group === "" ? "/api" : `/apis/${type.group}`}/${type.version}/${type.plural}`, own: isOwnWork(`/registry/${type.plural}/`) }));

interface Stored { readonly metadata: { readonly uid: string; readonly name: string; readonly labels?: Readonly<Record<string, string>> } }
/** A server that starts puts its own objects back to what they ought to be. */
const isOwnObject = ({ metadata: { name, labels } }: Stored): boolean =>
  labels?.["kubernetes.io/bootstrapping"] !== undefined || ["kubernetes", "extension-apiserver-authentication"].includes(name);

/** Everything that is stored, as it is served, by its path and UID. */
async function everything(): Promise<ReadonlyMap<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const { path, own } of listable) {
    const { code, bytes } = await send({ method: "GET", path, headers: {} });
    assert.equal(code, 200, `${path}: ${bytes.toString().slice(0, 200)}`);
    const { items } = JSON.parse(bytes.toString()) as { readonly items: readonly Stored[] };
    if (!own) for (const item of items) if (!isOwnObject(item)) found.set(`${path} ${item.metadata.uid}`, item);
  }
  return found;
}

/** A server that starts over the same file shows what the one before it showed; what it lacks of its own it makes anew. */
async function restart(): Promise<void> {
  const stored = await everything();
  const { complaints, pki } = started;
  assert.deepEqual(complaints, []);
  await started[Symbol.asyncDispose]();
  await start({ pki });
  const present = await everything();
  for (const [key, object] of stored) assert.deepEqual(present.get(key), object, key);
}

test("every request gets an answer in upstream's form, and what was refused left no trace", async (context) => {
  context.diagnostic(`KEELSON_SEED=${seed} KEELSON_HOSTILE_RUNS=${runs}, ${aims.length} of them at every resource, verb and encoding in turn`);
  await stock(true);
  const heapBefore = collectGarbage();
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (g) => {
      const at = sent++;
      if (at % restockEvery === 0) await stock(false);
      if (at > 0 && at % restartEvery === 0) await restart();
      const aim: Aim | undefined = aims[at];
      await attack(hostileRequest(g, options, aim));
    }),
    { seed, numRuns: runs, endOnFailure: true },
  );
  assert.equal(Object.keys(Object.prototype).length + ("polluted" in {} ? 1 : 0), 0);

  // All that was stored can be read, by the API and by a server that starts over it; and the memory is that of what is stored.
  await restart();
  for (const { path } of listable) {
    for (const accept of ["application/json", "application/vnd.kubernetes.protobuf,application/json", "application/json;as=Table;v=v1;g=meta.k8s.io"]) {
      assert.equal((await send({ method: "GET", path, headers: { accept } })).code, 200, `${path} as ${accept}`);
    }
  }
  assert.ok(collectGarbage() - heapBefore < heapGrowthBytesMax);
});
