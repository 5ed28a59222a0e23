import assert from "node:assert/strict";
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensurePki, type Pki } from "../../src/cluster/pki/pki.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { command } from "../../src/stdx/command.ts";
import { HttpsClient, type Answer } from "./https-client.ts";
import { ServerProcess } from "./server-process.ts";

const path = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { text: "x".repeat(2000) } });

const inOrder = (a: string, b: string): number => (a < b ? -1 : 1);

/** A server whose state lies on a file system of its own, which only it sees, and which goes when it goes. */
class ServerOnDisk implements AsyncDisposable {
  readonly #folder: string;
  readonly #server: ServerProcess;
  readonly client: HttpsClient;

  private constructor(folder: string, server: ServerProcess, client: HttpsClient) {
    this.#folder = folder;
    this.#server = server;
    this.client = client;
  }

  static async start(folder: string, pki: Pki, mount: string): Promise<ServerOnDisk> {
    const server = new ServerProcess(join(folder, "disk", "state.db"), join(folder, "pki"), ["unshare", "--mount", "sh", "-c", `${mount} "$0" && exec "$@"`, join(folder, "disk"), process.execPath]);
    try {
      await server.loaded();
      const port = await server.go();
      assert.ok(port, server.complaint);
      return new ServerOnDisk(folder, server, new HttpsClient(port, { ca: pki.ca.certificatePem, cert: pki.admin.certificatePem, key: pki.admin.privateKeyPem }));
    } catch (error) {
      await server.kill();
      throw error;
    }
  }

  /** A file of the server's disk, as seen from here. */
  file(name: string): string {
    return `/proc/${this.#server.pid}/root${this.#folder}/disk/${name}`;
  }
  /** Runs a program where the server's disk is. */
  async inside(...argv: readonly string[]): Promise<void> {
    await command(["nsenter", `--mount=/proc/${this.#server.pid}/ns/mnt`, ...argv]);
  }
  get disk(): string {
    return join(this.#folder, "disk");
  }

  create(name: string): Promise<Answer> {
    return this.client.request("POST", path, configMap(name));
  }
  /** Those that the test made, in order. */
  async names(): Promise<readonly string[]> {
    const { status, body } = await this.client.request("GET", path);
    assert.equal(status, 200, body);
    return (JSON.parse(body) as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith("c")).toSorted(inOrder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.#server.kill();
  }
}

async function withFolder(run: (folder: string, pki: Pki) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-disk-"));
  try {
    mkdirSync(join(folder, "disk"));
    await run(folder, await ensurePki(join(folder, "pki"), { clock: systemClock, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: [], nodes: [] }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Names that a watch says were added, as they come. */
async function* added(client: HttpsClient): AsyncGenerator<string, void> {
  for await (const line of client.lines(`${path}?watch=true`)) {
    const { type, object } = JSON.parse(line) as { type: string; object: { metadata: { name: string } } };
    if (type === "ADDED" && object.metadata.name.startsWith("c")) yield object.metadata.name;
  }
}

/** The server must say that it cannot write now, and when to come again. */
function assertRefused({ status, body, retryAfter }: Answer, message: RegExp): void {
  const told = JSON.parse(body) as { kind: string; reason: string; message: string; details?: { retryAfterSeconds?: number } };
  assert.deepEqual([status, told.kind, told.reason, told.details?.retryAfterSeconds, retryAfter], [503, "Status", "ServiceUnavailable", 1, "1"], body);
  assert.match(told.message, message);
}

const skip = process.getuid?.() !== 0 && "mounts file systems, as root only";

test("server: a full disk refuses writes with 503 and Retry-After, reads and watches go on, and writing goes on when there is room", { skip }, () => withFolder(async (folder, pki) => {
  await using server = await ServerOnDisk.start(folder, pki, "mount -t tmpfs -o size=12m tmpfs");
  const events = added(server.client);
  assert.equal((await server.create("c0")).status, 201);
  assert.equal((await events.next()).value, "c0");

  const filler = openSync(server.file("filler"), "w");
  try {
    for (const bytes of [64 * 1024, 512]) {
      const piece = Buffer.alloc(bytes);
      assert.throws(() => {
        for (;;) if (writeSync(filler, piece) < bytes) break;
        for (;;) writeSync(filler, piece);
      }, { code: "ENOSPC" });
    }
    // Some fit still into what the log has already; then each one is refused, whatever it does.
    const names = ["c0"];
    for (let refused = 0, i = 1; refused < 3; i++) {
      const answer = await server.create(`c${i}`);
      if (answer.status === 201) names.push(`c${i}`);
      else {
        refused++;
        assertRefused(answer, /disk is full.*free some space and writing goes on/);
      }
      assert.ok(i < 5000);
    }
    assertRefused(await server.client.request("DELETE", `${path}/c0`), /disk is full/);
    assert.deepEqual(await server.names(), names.toSorted(inOrder));
    assert.equal((await server.client.request("GET", `${path}/c0`)).status, 200);
    for (const name of names.slice(1)) assert.equal((await events.next()).value, name);

    ftruncateSync(filler, 0);
    assert.equal((await server.create("c-later")).status, 201);
    assert.equal((await events.next()).value, "c-later");
    assert.equal((await server.client.request("DELETE", `${path}/c0`)).status, 200);
    assert.deepEqual(await server.names(), [...names.slice(1), "c-later"].toSorted(inOrder));
  } finally {
    closeSync(filler);
    await events.return();
  }
}));

test("server: a disk that hangs, turns read-only or breaks stops writes only, and nothing acknowledged is lost", { skip }, () => withFolder(async (folder, pki) => {
  const image = join(folder, "image");
  const file = openSync(image, "w");
  ftruncateSync(file, 32 * 1024 * 1024);
  closeSync(file);
  await command(["mkfs.ext4", "-q", "-F", image]);
  const mount = `mount -o loop,errors=remount-ro ${image}`;
  {
    await using server = await ServerOnDisk.start(folder, pki, mount);
    const events = added(server.client);
    assert.equal((await server.create("c0")).status, 201);
    assert.equal((await events.next()).value, "c0");

    // The disk does not answer: writes wait, everything else is served meanwhile, also by the same connection.
    await server.inside("fsfreeze", "-f", server.disk);
    let pending: Promise<readonly Answer[]>;
    try {
      pending = Promise.all([server.create("c1"), server.create("c2")]);
      assert.deepEqual(await server.names(), ["c0"]);
      for (let i = 0; i < 20; i++) assert.equal((await server.client.request("GET", `${path}/c0`)).status, 200);
    } finally {
      await server.inside("fsfreeze", "-u", server.disk);
    }
    assert.deepEqual((await pending).map(({ status }) => status), [201, 201]);
    assert.deepEqual(new Set([(await events.next()).value, (await events.next()).value]), new Set(["c1", "c2"]));

    // The log may not be written, and then it may again.
    await server.inside("chattr", "+i", join(server.disk, "state.db-wal"));
    assertRefused(await server.create("c3"), /the disk reports an error|read-only/);
    assert.equal((await server.names()).length, 3);
    await server.inside("chattr", "-i", join(server.disk, "state.db-wal"));
    assert.equal((await server.create("c3")).status, 201);
    assert.equal((await events.next()).value, "c3");

    // The file system gives up on its disk and lets nobody write any more, as ext4 does after an error.
    await server.inside("mount", "-o", "remount,abort", server.disk);
    for (let i = 0; i < 3; i++) assertRefused(await server.create("c4"), /the disk reports an error|read-only/);
    assert.deepEqual(await server.names(), ["c0", "c1", "c2", "c3"]);
    await events.return();
  }
  await using again = await ServerOnDisk.start(folder, pki, mount);
  assert.deepEqual(await again.names(), ["c0", "c1", "c2", "c3"]);
  assert.equal((await again.create("c4")).status, 201);
}));
