import assert from "node:assert/strict";
import { createCipheriv, createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Clock } from "../../../stdx/clock.ts";
import { silentLog } from "../../../stdx/log.ts";
import { cryptoRandom } from "../../../stdx/random.ts";
import { bytes, text } from "../../suite.ts";
import { decodeEncryptedObject, encodeEncryptedObject, type EncryptedObject } from "./encrypted-object.ts";
import { KmsEnvelope } from "./envelope.ts";
import { FakePlugin } from "./fake-plugin.ts";
import { connectKmsPlugin, socketAddress } from "./plugin.ts";
import { WriteKeyKeeper } from "./write-key.ts";

const key = (first: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => first + i);

/** A clock that a test moves, and that wakes who sleeps until then. */
class ManualClock implements Clock {
  #nowMs = Date.UTC(2026, 10, 21);
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  sleep(durationMs: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      this.#sleepers.push({ atMs: this.#nowMs + durationMs, wake: resolve });
    });
  }

  get sleeping(): number {
    return this.#sleepers.length;
  }

  move(ms: number): void {
    this.#nowMs += ms;
    const due = this.#sleepers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#sleepers = this.#sleepers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { wake } of due) wake();
  }
}

async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), "keelson-kms-"));
  const socket = join(folder, "kms.sock");
  const service = await FakePlugin.start({ socket, keys: { "key-1": key(1), "key-2": key(2) } });
  const plugin = connectKmsPlugin({ endpoint: `unix://${socket}`, timeoutMs: 5_000 });
  const clock = new ManualClock();
  const server = () => {
    const keys = new WriteKeyKeeper({ name: "fake", plugin, clock, random: cryptoRandom, log: silentLog });
    return { keys, envelope: new KmsEnvelope({ plugin, keys, random: cryptoRandom }) };
  };
  return {
    service, plugin, clock, server, ...server(),
    async [Symbol.asyncDispose]() {
      plugin[Symbol.dispose]();
      await service[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}
const place = "/registry/secrets/default/a";

test("a value is encrypted with a seed that the plugin is asked for once, also by another server", async () => {
  await using kms = await setUp();
  await kms.keys.check();
  const stored = [1, 2, 3].map((i) => kms.envelope.encode(bytes(`value ${i}`), place));
  const object = decodeEncryptedObject(stored[0] ?? new Uint8Array());
  assert.deepEqual([object.keyId, object.sourceType, Object.keys(object.annotations)], ["key-1", 1, ["nonce.fake.kms.example"]]);
  // Its own seed is known: it comes back at once.
  const own = kms.envelope.decode(stored[0] ?? new Uint8Array(), place);
  assert.ok(!(own instanceof Promise));
  assert.deepEqual([text(own.value), own.stale], ["value 1", false]);
  assert.deepEqual(kms.service.calls, ["Status", "Encrypt"]);

  const other = kms.server();
  await other.keys.check();
  const read = await Promise.all(stored.map(async (each) => other.envelope.decode(each, place)));
  assert.deepEqual(read.map(({ value, stale }) => [text(value), stale]), [["value 1", false], ["value 2", false], ["value 3", false]]);
  assert.deepEqual(kms.service.calls, ["Status", "Encrypt", "Status", "Encrypt", "Decrypt"]);
  await assert.rejects(async () => other.envelope.decode(stored[0] ?? new Uint8Array(), "/registry/secrets/default/b"), { message: "cipher: message authentication failed" });
});

test("a value is put together as upstream documents it", async () => {
  await using kms = await setUp();
  await kms.keys.check();
  // By hand, from api.proto: seed → HKDF-Expand with the first 32 bytes → AES-GCM with the next 12 as nonce.
  const [seed, info, nonce] = [randomBytes(32), randomBytes(32), randomBytes(12)];
  const sealing = createCipheriv("aes-256-gcm", createHmac("sha256", seed).update(Buffer.concat([info, Buffer.of(1)])).digest(), nonce).setAAD(Buffer.from(place));
  const data = Buffer.concat([info, nonce, sealing.update("by hand"), sealing.final(), sealing.getAuthTag()]);
  const { ciphertext, keyId, annotations } = await kms.plugin.encrypt(seed, "uid");
  const part = (field: number, bytesOf: Uint8Array | string): Buffer => {
    const { length } = Buffer.from(bytesOf);
    return Buffer.concat([Buffer.of((field << 3) | 2, ...(length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7])), Buffer.from(bytesOf)]);
  };
  const annotation = Buffer.concat([part(1, "nonce.fake.kms.example"), part(2, annotations["nonce.fake.kms.example"] ?? "")]);
  const stored = Buffer.concat([part(1, data), part(2, keyId), part(3, ciphertext), part(4, annotation), Buffer.of(5 << 3, 1)]);
  const { value, stale } = await kms.envelope.decode(stored, place);
  assert.deepEqual([text(value), stale], ["by hand", false]);
  assert.deepEqual(encodeEncryptedObject(decodeEncryptedObject(stored)), stored);
});

test("another key of the plugin makes what was written stale, and old keys still read", async () => {
  await using kms = await setUp();
  await kms.keys.check();
  const stored = kms.envelope.encode(bytes("value"), place);
  kms.service.use("key-2");
  await kms.keys.check(); // Asked a moment ago: nothing new.
  assert.equal((await kms.envelope.decode(stored, place)).stale, false);
  kms.clock.move(20_000);
  await kms.keys.check();
  assert.equal((await kms.envelope.decode(stored, place)).stale, true);
  const again = kms.envelope.encode(bytes("value"), place);
  assert.deepEqual([decodeEncryptedObject(again).keyId, (await kms.envelope.decode(again, place)).stale], ["key-2", false]);

  kms.service.forget("key-1");
  const other = kms.server();
  await other.keys.check();
  await assert.rejects(async () => other.envelope.decode(stored, place), { message: "failed to decrypt DEK, error: rpc error: code = Internal desc = no key key-1" });
  assert.equal(text((await other.envelope.decode(again, place)).value), "value");
});

test("while the plugin is not well it is written for three minutes more, and read for ever", async () => {
  await using kms = await setUp();
  await kms.keys.check();
  const stored = kms.envelope.encode(bytes("value"), place);
  kms.service.healthz = "the safe is locked";
  kms.clock.move(20_001);
  await assert.rejects(kms.keys.check(), { message: "kmsv2 Provider fake is not healthy, error: got unexpected healthz status: the safe is locked" });
  // It said itself that it has the same key, so that counts on.
  kms.clock.move(179_000);
  kms.envelope.encode(bytes("value"), place);
  kms.clock.move(2_000);
  assert.throws(() => kms.envelope.encode(bytes("value"), place), /^Error: encryptedDEKSource with keyID hash "sha256:[0-9a-f]{64}" expired at 2026-11-21T00:03:20Z \(current time is 2026-11-21T00:03:21Z\)$/);
  assert.equal(text((await kms.envelope.decode(stored, place)).value), "value");
  kms.service.healthz = "ok";
  await kms.keys.check();
  kms.envelope.encode(bytes("value"), place);
});

test("the plugin is asked every minute, and every ten seconds while it is not well", async () => {
  await using kms = await setUp();
  const ending = new AbortController();
  await kms.keys.check();
  const running = kms.keys.run(ending.signal);
  const asked = () => kms.service.calls.filter((call) => call === "Status").length;
  const until = async (count: number) => {
    while (asked() < count || kms.clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  kms.service.healthz = "no";
  for (const [ms, count] of [[59_999, 1], [1, 2], [10_000, 3], [9_999, 3], [1, 4]] as const) {
    kms.clock.move(ms);
    await until(count);
    assert.equal(asked(), count, `after ${ms} ms`);
  }
  ending.abort();
  await running;
});

test("a plugin that was never well cannot be read from or written with; its answers are checked", async () => {
  await using kms = await setUp();
  assert.throws(() => kms.envelope.encode(bytes("value"), place), { message: "got unexpected nil transformer" });
  kms.service.version = "v1beta1";
  await assert.rejects(kms.keys.check(), { message: "kmsv2 Provider fake is not healthy, error: expected KMSv2 API version v2, got v1beta1" });
  kms.clock.move(3_000);
  kms.service.version = "v2";
  kms.service.use("");
  await assert.rejects(kms.keys.check(), { message: 'kmsv2 Provider fake is not healthy, error: got invalid KMSv2 KeyID hash "": keyID is empty' });
  kms.clock.move(3_000);
  kms.service.use("x".repeat(1025));
  await assert.rejects(kms.keys.check(), /keyID is 1025 bytes, which exceeds the max size of 1024/);
  kms.clock.move(3_000);
  kms.service.use("key-3");
  await assert.rejects(kms.keys.check(), /failed to rotate DEK uid="[-0-9a-f]+", useSeed=true, errState=<nil>, errGen=failed to encrypt DEK, error: rpc error: code = Internal desc = no key key-3, statusKeyIDHash="sha256:/);
});

test("what is stored is checked before anybody is asked", () => {
  const good: EncryptedObject = { encryptedData: bytes("data"), keyId: "key", encryptedSource: bytes("source"), annotations: { "a.example": bytes("1") }, sourceType: 1 };
  const cases: readonly (readonly [Partial<EncryptedObject>, string])[] = [
    [{ encryptedData: bytes("") }, "encrypted data is empty"],
    [{ sourceType: 2 }, "unknown encryptedDEKSourceType: 2"],
    [{ keyId: "" }, "failed to validate key id: keyID is empty"],
    [{ encryptedSource: bytes("") }, "failed to validate encrypted DEK source: encrypted DEK source is empty"],
    [{ encryptedSource: new Uint8Array(1025) }, "failed to validate encrypted DEK source: encrypted DEK source is 1025 bytes, which exceeds the max size of 1024"],
    [{ annotations: { one: bytes("") } }, 'failed to validate annotations: annotations: Invalid value: "one": should be a domain with at least two segments separated by dots'],
    [{ annotations: { "a.example": new Uint8Array(32 * 1024) } }, "failed to validate annotations: total size of annotations is 32777, which exceeds the max size of 32768"],
  ];
  for (const [change, message] of cases) assert.throws(() => encodeEncryptedObject({ ...good, ...change }), { message });
  assert.throws(() => decodeEncryptedObject(bytes("no protobuf")), { message: "proto: cannot parse invalid wire-format data" });
  assert.deepEqual(decodeEncryptedObject(encodeEncryptedObject({ ...good, sourceType: 0 })).sourceType, 0);
});

test("endpoints are sockets of this machine", () => {
  assert.deepEqual(["unix:///run/kms.sock", "unix:///@kms"].map(socketAddress), ["unix:///run/kms.sock", "unix:\0kms"]);
  assert.throws(() => socketAddress("tcp://127.0.0.1:1"), { message: 'unsupported scheme "tcp" for remote KMS provider' });
});
