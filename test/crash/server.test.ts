import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensurePki } from "../../src/cluster/pki/pki.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { seededRandom, type Random } from "../../src/stdx/random.ts";
import { Model, Seen, type Item } from "./cluster-model.ts";
import { BrokenError, HttpsClient, type Credentials } from "./https-client.ts";
import { ServerProcess } from "./server-process.ts";

const seed = Number(process.env["KEELSON_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const kills = Number(process.env["KEELSON_CRASH_KILLS"] ?? 200);
const writerCount = 8;
const watcherCount = 2;
const killAfterWritesMax = 80;
/** For those that are killed before they listen. */
const killAfterMsMax = 120;
const path = "/api/v1/namespaces/default/configmaps";
const { signal } = new AbortController();

interface Stored { readonly metadata: { readonly name: string; readonly resourceVersion: string }; readonly data?: Readonly<Record<string, string>> }
const itemOf = ({ metadata, data }: Stored): Item => ({ name: metadata.name, token: data?.["token"] ?? "", revision: Number(metadata.resourceVersion) });
/** Others' objects (the root certificate) are of no interest here. */
const isOurs = ({ metadata }: Stored): boolean => metadata.name.startsWith("w-");

async function list(client: HttpsClient): Promise<{ readonly items: readonly Item[]; readonly revision: number }> {
  const { status, body } = await client.request("GET", path);
  assert.equal(status, 200, body);
  const { items, metadata } = JSON.parse(body) as { items: Stored[]; metadata: { resourceVersion: string } };
  return { items: items.filter(isOurs).map(itemOf), revision: Number(metadata.resourceVersion) };
}

/** Creates, changes and deletes names of its own, one request at a time, until the server is gone. */
async function write(client: HttpsClient, writer: number, model: Model, random: Random): Promise<void> {
  const mine = [...model.present.values()].filter(({ name }) => name.startsWith(`w-${writer}-`));
  for (;;) {
    const token = `${writer}.${nextToken++}`;
    const index = random.below(8);
    const before = mine[index];
    const name = before?.name ?? `w-${writer}-${nextToken++}`;
    const removes = before !== undefined && random.below(4) === 0;
    const body = removes ? undefined : { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...(before && { resourceVersion: String(before.revision) }) }, data: { token, padding: "x".repeat(random.below(3000)) } };
    model.tried(token, name);
    model.open.set(name, removes ? undefined : token);
    const answer = await client.request(removes ? "DELETE" : before ? "PUT" : "POST", before ? `${path}/${name}` : path, body);
    assert.equal(answer.status, before ? 200 : 201, answer.body);
    model.open.delete(name);
    if (removes) {
      model.present.delete(name);
      model.deleted.add(name);
      mine.splice(index, 1);
    } else {
      const item = itemOf(JSON.parse(answer.body) as Stored);
      model.wrote(item);
      if (before) mine[index] = item;
      else mine.push(item);
    }
  }
}
let nextToken = 1;

/** Goes on where it was, after whatever server it saw last. */
async function watch(client: HttpsClient, seen: Seen, model: Model, until: () => boolean): Promise<void> {
  for await (const line of client.lines(`${path}?watch=true&resourceVersion=${seen.latest}`)) {
    const { type, object } = JSON.parse(line) as { type: string; object: Stored & { readonly code?: number } };
    if (type === "ERROR") {
      assert.equal(object.code, 410, line);
      const { items, revision } = await list(client);
      seen.relisted(items, revision);
      return until() ? undefined : watch(client, seen, model, until);
    }
    if (isOurs(object)) seen.event(type, itemOf(object), model);
    if (until()) return;
  }
}

const unlessBroken = async (work: Promise<void>): Promise<void> => {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof BrokenError)) throw error;
  }
};

test(`a server that is killed ${kills} times loses nothing and invents nothing (KEELSON_SEED=${seed})`, { timeout: 900_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-crash-"));
  const file = join(folder, "state.db");
  const pkiFolder = join(folder, "pki");
  const random = seededRandom(seed);
  const model = new Model();
  const watchers: Seen[] = [];
  const processes = new Set<ServerProcess>();
  const launch = (): ServerProcess => {
    const launched = new ServerProcess(file, pkiFolder);
    processes.add(launched);
    return launched;
  };
  const end = async (server: ServerProcess): Promise<void> => {
    await server.kill();
    processes.delete(server);
  };
  try {
    const pki = await ensurePki(pkiFolder, { clock: systemClock, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: [], nodes: [] });
    const credentials: Credentials = { ca: pki.ca.certificatePem, cert: pki.admin.certificatePem, key: pki.admin.privateKeyPem };
    let waiting = launch();
    for (let kill = 0; kill <= kills; kill++) {
      const server = waiting;
      await server.loaded();
      if (kill < kills) waiting = launch();
      // Some die while they open the file, or while they put in what must be in every cluster.
      const early = kill > 0 && kill < kills && random.below(6) === 0;
      const going = server.go();
      if (early) {
        await systemClock.sleep(random.below(killAfterMsMax), { signal });
        await end(server);
        await going;
        continue;
      }
      const port = await going;
      assert.ok(port, `the server did not start after ${kill} kills: ${server.complaint}`);
      using client = new HttpsClient(port, credentials);
      const present = await list(client);
      model.check(present.items, present.revision);
      if (kill === 0) for (let i = 0; i < watcherCount; i++) watchers.push(new Seen(present.items, present.revision));
      if (kill === kills) {
        await Promise.all(watchers.filter((seen) => seen.latest < model.latest).map((seen) => watch(client, seen, model, () => seen.latest >= model.latest)));
        // The last deletions come after the last write that was acknowledged, if there are any; a write shows that they are through.
        const { body } = await client.request("POST", path, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "w-end" }, data: { token: "end" } });
        model.tried("end", "w-end");
        model.wrote(itemOf(JSON.parse(body) as Stored));
        await Promise.all(watchers.map((seen) => watch(client, seen, model, () => seen.latest >= model.latest)));
        const { items } = await list(client);
        for (const seen of watchers) seen.checkComplete(model, items);
        await end(server);
        break;
      }
      const working = [
        ...Array.from({ length: writerCount }, (_, writer) => unlessBroken(write(client, writer, model, seededRandom(random.below(2 ** 31))))),
        ...watchers.map((seen) => unlessBroken(watch(client, seen, model, () => false))),
      ];
      const all = Promise.all(working);
      all.catch(() => {}); // Told below.
      // Counted in writes, so that a slow machine gets as far as a quick one, and then at any moment.
      const enough = model.acknowledged.size + random.below(killAfterWritesMax);
      while (model.acknowledged.size < enough) await Promise.race([all, systemClock.sleep(1, { signal })]);
      await systemClock.sleep(random.below(8), { signal });
      await end(server);
      // A connection that ends without a word from the other side is not always noticed by Node's client.
      client[Symbol.dispose]();
      await all;
    }
    const gaps = watchers.reduce((sum, seen) => sum + seen.gaps.length, 0);
    assert.ok(model.acknowledged.size > kills, `${model.acknowledged.size} writes were acknowledged`);
    console.log(`${kills} kills: ${model.acknowledged.size} writes and ${model.deleted.size} deletions acknowledged and found; ${watchers.length} watchers saw ${watchers[0]?.revisions.size ?? 0} writes each, ${gaps} times by a list`);
  } catch (error) {
    throw new Error(`KEELSON_SEED=${seed}`, { cause: error });
  } finally {
    await Promise.all([...processes].map((each) => each.kill()));
    rmSync(folder, { recursive: true });
  }
});
