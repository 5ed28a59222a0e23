import assert from "node:assert/strict";
import { test } from "node:test";
import { cryptoRandom, type Random } from "../../stdx/random.ts";
import { bytes, text } from "../suite.ts";
import { aesCbc } from "./aes-cbc.ts";
import { aesGcm } from "./aes-gcm.ts";
import { extendedNonceGcm } from "./extended-nonce.ts";
import { keyedProvider, providerList, type KeyedProvider, type NamedKey } from "./providers.ts";
import { secretbox } from "./secretbox.ts";
import { identity, type Decoded, type Transformer } from "./transformer.ts";

const hex = (digits: string): Uint8Array => Buffer.from(digits, "hex");
const range = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i);
/** Gives out these bytes, one request after the other. */
const given = (...parts: readonly Uint8Array[]): Random => {
  const left = [...parts];
  return { ...cryptoRandom, bytes: (length) => {
    const next = left.shift();
    assert.equal(next?.length, length);
    return next ?? new Uint8Array();
  } };
};
const secret = range(0, 32);
const place = "/registry/secrets/default/golden";
const secretJson = `{"kind":"Secret","apiVersion":"v1"}`;

// The first two were recorded upstream, from the Go code that wrote them (aes_test.go); the others were computed with Python's cryptography package, and the last is NaCl's own vector.
const golden: readonly { readonly name: string; readonly make: (random: Random) => Transformer; readonly key: string; readonly value: string | Uint8Array; readonly drawn: readonly Uint8Array[]; readonly stored: string }[] = [
  {
    name: "aesgcm as upstream wrote it", make: (random) => aesGcm(bytes("snorlax_awesomes"), random), key: "bamboo", value: "pandas are the best", drawn: [hex("9f27c8fcea8a58c467d8e437")],
    stored: "9f27c8fcea8a58c467d8e437dbf2d85955f9b4bd912f4ef967d788a0cb07797dac0a3f0a0845605ca85ac8562b4ae1",
  },
  {
    name: "the extended nonce as upstream wrote it", make: (random) => extendedNonceGcm(hex("5d40323a820ff95561675e3b95e81867c5fdd561d35a88a2d08b08aa9d4fcf5c"), random), key: "bamboo", value: "pandas are the best",
    drawn: [hex("2442759e33945fbad709db577a0f037fd8a709fc76979b8942209debcecb9d57"), hex("efe3d6ff6a1ef6ee9a5003b9")],
    stored: "2442759e33945fbad709db577a0f037fd8a709fc76979b8942209debcecb9d57efe3d6ff6a1ef6ee9a5003b9833b3043cec1e47b35175b151107a8d2416b0e296bbf66b5d102fcefdf9a78f293d271",
  },
  {
    name: "aesgcm, 256 bits", make: (random) => aesGcm(secret, random), key: place, value: secretJson, drawn: [range(100, 12)],
    stored: "6465666768696a6b6c6d6e6f3339b50f178d74a41c313a8ba8001edf6ee0677ae23a9600d4b8c326d999873ea5cb3d61973bdb283a1d27d73af7551c603299",
  },
  {
    name: "aesgcm, 128 bits", make: (random) => aesGcm(secret.subarray(0, 16), random), key: place, value: secretJson, drawn: [range(100, 12)],
    stored: "6465666768696a6b6c6d6e6f614025ccb5669ac0b96d3273f4af5fce1caa198ffbffb8288706def99ec8d5858bde2f6662c66f4eb70161a48bfbd5a4fdaab0",
  },
  {
    name: "aescbc", make: (random) => aesCbc(secret, random), key: place, value: secretJson, drawn: [range(50, 16)],
    stored: "32333435363738393a3b3c3d3e3f4041fe278d2125d1dc5fa65eaa846976314bc70489bf565b6c66f90b7f789ba60c0454ec5ff4adece410013cf5d8cf4f19c2",
  },
  {
    name: "the extended nonce", make: (random) => extendedNonceGcm(secret, random), key: place, value: secretJson, drawn: [range(200, 32), range(100, 12)],
    stored: "c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e76465666768696a6b6c6d6e6f58d2a087ea7a0b714eca1496fd9c3ce2e501aa93bebfdcb73ee1423754d98d8bc004b3ce6bcd2defb6f38845d2025aae643cef",
  },
  {
    name: "secretbox, NaCl's vector", make: (random) => secretbox(hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"), random), key: "anywhere", drawn: [hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")],
    value: hex("be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705"),
    stored: "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"
      + "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5",
  },
];

for (const { name, make, key, value, drawn, stored } of golden) {
  test(`golden: ${name}`, async () => {
    const plain = typeof value === "string" ? bytes(value) : value;
    assert.equal(Buffer.from(make(given(...drawn)).encode(plain, key)).toString("hex"), stored);
    const decoded = await make(cryptoRandom).decode(hex(stored), key);
    assert.deepEqual([Buffer.from(decoded.value).toString("hex"), decoded.stale], [Buffer.from(plain).toString("hex"), false]);
  });
}

const lengths = [0, 1, 15, 16, 17, 1000];
const ways: Readonly<Record<string, Transformer>> = {
  aesgcm: aesGcm(secret, cryptoRandom), aescbc: aesCbc(secret, cryptoRandom), secretbox: secretbox(secret, cryptoRandom), "extended nonce": extendedNonceGcm(secret, cryptoRandom),
};
for (const [name, way] of Object.entries(ways)) {
  test(`${name}: values of all lengths come back, and no two stored forms are alike`, async () => {
    for (const length of lengths) {
      const value = range(7, length);
      const [first, second] = [way.encode(value, "/k"), way.encode(value, "/k")];
      assert.notDeepEqual(first, second);
      assert.deepEqual(Buffer.from((await way.decode(first, "/k")).value), Buffer.from(value));
    }
  });
}

const read = async (way: Transformer, stored: Uint8Array, key = "/k"): Promise<Decoded> => await way.decode(stored, key);

test("what is damaged, cut or moved is refused in upstream's words", async () => {
  const flipped = (stored: Uint8Array, at: number) => Uint8Array.from(stored, (byte, i) => (i === (at + stored.length) % stored.length ? byte ^ 1 : byte));
  const sealed = (name: string) => ways[name]?.encode(bytes("a value of more than one block"), "/k") ?? new Uint8Array();
  const cases: readonly (readonly [string, Uint8Array, string, string])[] = [
    ["aesgcm", flipped(sealed("aesgcm"), 20), "/k", "cipher: message authentication failed"],
    ["aesgcm", flipped(sealed("aesgcm"), -1), "/k", "cipher: message authentication failed"],
    ["aesgcm", sealed("aesgcm"), "/other", "cipher: message authentication failed"],
    ["aesgcm", sealed("aesgcm").subarray(0, 20), "/k", "cipher: message authentication failed"],
    ["aesgcm", sealed("aesgcm").subarray(0, 11), "/k", "the stored data was shorter than the required size"],
    ["extended nonce", flipped(sealed("extended nonce"), 3), "/k", "cipher: message authentication failed"],
    ["extended nonce", sealed("extended nonce"), "/other", "cipher: message authentication failed"],
    ["extended nonce", sealed("extended nonce").subarray(0, 31), "/k", "the stored data was shorter than the required size"],
    ["aescbc", sealed("aescbc").subarray(0, 15), "/k", "the stored data was shorter than the required size"],
    ["aescbc", sealed("aescbc").subarray(0, 40), "/k", "the stored data is not a multiple of the block size"],
    ["aescbc", sealed("aescbc").subarray(0, 16), "/k", "invalid PKCS7 data (empty or not padded)"],
    // Of the last block, the byte before it decides over the padding: 2 becomes 3.
    ["aescbc", flipped(sealed("aescbc"), -17), "/k", "invalid padding on input"],
    ["secretbox", flipped(sealed("secretbox"), 30), "/k", "output array was not large enough for encryption"],
    ["secretbox", sealed("secretbox").subarray(0, 39), "/k", "the stored data was shorter than the required size"],
  ];
  for (const [name, stored, key, message] of cases) await assert.rejects(read(ways[name] ?? identity, stored, key), { message }, name);
});

const named = (name: string, from: number): NamedKey => ({ name, secret: range(from, 32) });
const keyed = (provider: KeyedProvider, ...[first = named("none", 0), ...others]: readonly NamedKey[]) => keyedProvider(provider, [first, ...others], cryptoRandom);

test("the first key writes, all keys read, and what another one wrote is stale", async () => {
  for (const provider of ["aesgcm", "aescbc", "secretbox"] as const) {
    const old = providerList([keyed(provider, named("k1", 1))]);
    const both = providerList([keyed(provider, named("k2", 2), named("k1", 1))]);
    const [byOld, byNew] = [old.encode(bytes("x"), "/k"), both.encode(bytes("x"), "/k")];
    assert.equal(Buffer.from(byOld.subarray(0, `k8s:enc:${provider}:v1:k1:`.length)).toString(), `k8s:enc:${provider}:v1:k1:`);
    assert.deepEqual([text((await read(both, byOld)).value), (await read(both, byOld)).stale], ["x", true]);
    assert.deepEqual([text((await read(both, byNew)).value), (await read(both, byNew)).stale], ["x", false]);
    await assert.rejects(read(old, byNew), { message: `no matching key was found for the provided ${provider === "secretbox" ? "Secretbox" : "AES"} transformer` });
  }
});

test("providers take their turns: identity reads what is plain, in whatever place of the list", async () => {
  const plain = bytes(secretJson);
  const sealed = providerList([keyed("aescbc", named("k", 1))]).encode(plain, "/k");
  const identityProvider = { prefix: "", transformer: identity };
  const sealing = providerList([keyed("aescbc", named("k", 1)), identityProvider]);
  const opening = providerList([identityProvider, keyed("aescbc", named("k", 1))]);
  assert.deepEqual([(await read(sealing, plain)).stale, (await read(sealing, sealed)).stale], [true, false]);
  assert.deepEqual([(await read(opening, plain)).stale, (await read(opening, sealed)).stale], [false, true]);
  assert.equal(text(opening.encode(plain, "/k")), secretJson);
  await assert.rejects(read(providerList([keyed("aescbc", named("k", 1))]), plain), { message: "no matching prefix found" });
  await assert.rejects(read(providerList([identityProvider, keyed("aesgcm", named("k", 1))]), sealed), { message: "no matching prefix found" });
  await assert.rejects(read(identity, sealed), { message: "identity transformer tried to read encrypted data" });
});

test("a provider that is listed twice is tried twice", async () => {
  const old = providerList([keyed("aesgcm", named("k", 1))]).encode(bytes("x"), "/k");
  const list = providerList([keyed("aesgcm", named("k", 2)), keyed("aesgcm", named("k", 1))]);
  assert.deepEqual(await read(list, old).then(({ value, stale }) => [text(value), stale]), ["x", true]);
  const wrong = providerList([keyed("aesgcm", named("k", 2)), keyed("aesgcm", named("other", 1))]);
  await assert.rejects(read(wrong, old), { message: "[cipher: message authentication failed, no matching key was found for the provided AES transformer]" });
});
