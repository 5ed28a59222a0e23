import assert from "node:assert/strict";
import { test } from "node:test";
import type { EncryptionConfiguration } from "../../kube-apiserver/encryption/configuration.ts";
import { withReadingKeys } from "./reading-keys.ts";

const [one, two, other] = [{ name: "key1", secret: "b25l" }, { name: "key2", secret: "dHdv" }, { name: "key1", secret: "b3RoZXI=" }];
const identity = { identity: {} };
const secrets = (...providers: EncryptionConfiguration["resources"][number]["providers"]): EncryptionConfiguration => ({ resources: [{ resources: ["secrets"], providers }] });

test("keys that an older state was written with are read, and never write", () => {
  const present = secrets({ secretbox: { keys: [two] } }, identity);
  assert.deepEqual(withReadingKeys(present, secrets({ secretbox: { keys: [one] } }, identity)), secrets({ secretbox: { keys: [two, one] } }, identity));
  assert.deepEqual(withReadingKeys(present, secrets({ aesgcm: { keys: [one] } })), secrets({ secretbox: { keys: [two] } }, identity, { aesgcm: { keys: [one] } }));
  assert.deepEqual(withReadingKeys(secrets({ secretbox: { keys: [one] } }), secrets({ secretbox: { keys: [other] } })), secrets({ secretbox: { keys: [one] } }, { secretbox: { keys: [other] } }), "of one name");
});

test("nothing changes where nothing is missing", () => {
  const present = secrets({ secretbox: { keys: [two, one] } }, identity);
  for (const old of [present, secrets({ secretbox: { keys: [one] } }), secrets(identity), { resources: [] }]) assert.equal(withReadingKeys(present, old), present);
});

test("what is no longer encrypted is written plain, and read", () => {
  const old = { resources: [{ resources: ["configmaps"], providers: [{ aescbc: { keys: [one] } }] }] };
  const present = secrets({ secretbox: { keys: [two] } });
  assert.deepEqual(withReadingKeys(present, old).resources, [...present.resources, { resources: ["configmaps"], providers: [identity, { aescbc: { keys: [one] } }] }]);
});
