import { createCipheriv, randomFillSync } from "node:crypto";
import { EncryptingStore } from "../src/storage/encryption/encrypting-store.ts";
import { keyedProvider, providerList, type KeyedProvider } from "../src/storage/encryption/providers.ts";
import { MemoryStore } from "../src/storage/memory/memory-store.ts";
import type { Store } from "../src/storage/store.ts";
import { cryptoRandom } from "../src/stdx/random.ts";
import { median, perSecond, type Row } from "./table.ts";

const valueBytes = 1500;
const keys = 5_000;
const rounds = 7;
const key = { name: "key1", secret: cryptoRandom.bytes(32) };

/** How often something can be done in a second: the median of some rounds. */
async function rate(count: number, work: () => Promise<void> | void): Promise<number> {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await work();
    rates.push((count / (performance.now() - began)) * 1000);
  }
  return median(rates);
}

async function filled(store: Store): Promise<Store> {
  const value = cryptoRandom.bytes(valueBytes);
  for (let i = 0; i < keys; i++) await store.put(`/registry/pods/default/pod-${i}`, value, { expected: 0 });
  return store;
}

/** What is not encrypted must cost nothing, also where something else is: the same store with the wrapper and without. */
async function plain(what: string, count: number, work: (store: Store) => Promise<void>): Promise<Row> {
  const gcm = providerList([keyedProvider("aesgcm", [key], cryptoRandom)]);
  const bare = await filled(new MemoryStore());
  const wrapped = await filled(new EncryptingStore(new MemoryStore(), { of: (each) => (each.startsWith("/registry/secrets/") ? gcm : undefined) }));
  const [without, withIt] = [await rate(count, () => work(bare)), await rate(count, () => work(wrapped))];
  return { what: `encryption: ${what} of plain values`, measured: perSecond(withIt), raw: `without the wrapper: ${perSecond(without)}`, ratio: withIt / without };
}

let writes = 0;
const put = async (store: Store): Promise<void> => {
  for (let i = 0; i < keys; i++) await store.put(`/registry/pods/default/new-${writes++}`, new Uint8Array(valueBytes), { expected: 0 });
};
const lists = 40;
const list = async (store: Store): Promise<void> => {
  for (let i = 0; i < lists; i++) await store.list("/registry/pods/default/pod-");
};
const watch = async (store: Store): Promise<void> => {
  let seen = 0;
  using watching = store.watch("/registry/pods/default/pod-", { after: 1 });
  for await (const _ of watching) if (++seen === keys) return;
};

async function encrypted(provider: KeyedProvider): Promise<Row> {
  const value = cryptoRandom.bytes(valueBytes);
  const transformer = providerList([keyedProvider(provider, [key], cryptoRandom)]);
  const [count, place] = [2_000, "/registry/secrets/default/a"];
  const stored = transformer.encode(value, place);
  const raw = await rate(count, () => {
    const nonce = new Uint8Array(12);
    for (let i = 0; i < count; i++) {
      const sealing = createCipheriv("aes-256-gcm", key.secret, randomFillSync(nonce));
      sealing.update(value);
      sealing.final();
    }
  });
  const encode = await rate(count, () => {
    for (let i = 0; i < count; i++) transformer.encode(value, place);
  });
  const decode = await rate(count, () => {
    for (let i = 0; i < count; i++) void transformer.decode(stored, place);
  });
  return { what: `encryption: ${provider}, 1.5 KB`, measured: `${perSecond(encode)} in, ${perSecond(decode)} out`, raw: `AES-256-GCM of node:crypto: ${perSecond(raw)}`, ratio: encode / raw };
}

export async function benchEncryption(): Promise<Row[]> {
  return [
    await plain("put", keys, put), await plain(`list of ${keys}`, lists, list), await plain("watch", keys, watch),
    await encrypted("aesgcm"), await encrypted("aescbc"), await encrypted("secretbox"),
  ];
}
