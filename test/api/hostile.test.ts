/** Requests of those who mean no good: each gets an answer that says so, and leaves nothing behind. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { resources } from "../../src/api/all.ts";
import { schemas } from "../../src/api/schemas.ts";
import { createProtobufCodec } from "../../src/apimachinery/protobuf/codec.ts";
import { parseYaml } from "../../src/apimachinery/yaml.ts";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";
import { hostileRequest, prey, type HostileRequest } from "./hostile-requests.ts";

/** KEELSON_SEED=… repeats what was seen; KEELSON_HOSTILE_RUNS=… looks longer. */
const seed = Number(process.env["KEELSON_SEED"] ?? 20_261_121);
const runs = Number(process.env["KEELSON_HOSTILE_RUNS"] ?? 3_000);
const answerWithinMs = 20_000;
const restockEvery = 250;
const heapGrowthBytesMax = 96 * 1024 * 1024;

const protobuf = createProtobufCodec(schemas);
const options = { resources: resources.map(({ type }) => type), schemas, protobuf };

let started: TestServer;
before(async () => void (started = await startTestServer()));
after(async () => {
  const { complaints } = started;
  await started[Symbol.asyncDispose]();
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
const known: readonly RegExp[] = [/^Too large resource version: /, /^this server has no connection to nodes$/];

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

const collectGarbage = (): number => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
};

test("every request gets an answer in upstream's form, and what was refused left no trace", async (context) => {
  context.diagnostic(`KEELSON_SEED=${seed} KEELSON_HOSTILE_RUNS=${runs}`);
  await stock(true);
  const heapBefore = collectGarbage();
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (g) => {
      if (++sent % restockEvery === 0) await stock(false);
      const request = hostileRequest(g, options);
      const revision = started.store.revision;
      const answer = await send(request);
      check(request, answer);
      assert.deepEqual(started.complaints, []);
      const stays = answer.code >= 400 || request.method === "GET" || /[?&]dryRun=All/.test(request.path);
      if (stays) assert.equal(started.store.revision, revision, `${request.method} ${request.path} was answered with ${answer.code} and stored something`);
    }),
    { seed, numRuns: runs, endOnFailure: true },
  );
  assert.equal(Object.keys(Object.prototype).length + ("polluted" in {} ? 1 : 0), 0);

  // All that was stored can be read, by the API and by a server that starts over it; and the memory is that of what is stored.
  for (const { type } of resources) {
    if (!type.verbs.includes("list")) continue;
    const path = `${type.group === "" ? "/api" : `/apis/${type.group}`}/${type.version}/${type.plural}`;
    for (const accept of ["application/json", "application/vnd.kubernetes.protobuf,application/json", "application/json;as=Table;v=v1;g=meta.k8s.io"]) {
      assert.equal((await send({ method: "GET", path, headers: { accept } })).code, 200, `${path} as ${accept}`);
    }
  }
  assert.ok(collectGarbage() - heapBefore < heapGrowthBytesMax);
});
