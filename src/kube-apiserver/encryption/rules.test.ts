import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { resources } from "../../api/all.ts";
import { systemClock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { cryptoRandom } from "../../stdx/random.ts";
import { bytes, text } from "../../storage/suite.ts";
import { groupResourceText, parseGroupResource } from "./group-resource.ts";
import { ResourceTransformers } from "./resource-transformers.ts";
import { loadRules, type EncryptionRules } from "./rules.ts";

const folder = mkdtempSync(join(tmpdir(), "keelson-encryption-"));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, "encryption.yaml");
const load = async (content: string, reload = false): Promise<EncryptionRules> => {
  writeFileSync(file, content);
  return await loadRules(file, { reload }, { clock: systemClock, random: cryptoRandom, log: silentLog });
};

const secret = (length: number, first = 1): string => Buffer.from(Uint8Array.from({ length }, (_, i) => first + i)).toString("base64");
const head = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n";
const rule = (names: readonly string[], ...providers: readonly string[]): string => `- resources: ${JSON.stringify(names)}\n  providers:\n${providers.map((each) => `  - ${each}\n`).join("")}`;
const rules = (...each: readonly string[]): string => `${head}resources:\n${each.join("")}`;
const aes = (name: "aesgcm" | "aescbc" | "secretbox", key = secret(32)): string => `${name}: {keys: [{name: key1, secret: ${JSON.stringify(key)}}]}`;
const kms = (fields: string): string => `kms: {${fields}}`;
const parsing = "error while parsing file: ";
const decoding = `${parsing}error decoding encryption provider configuration file ${JSON.stringify(file)}: `;
const building = "error while building transformers: ";

const refused: Readonly<Record<string, readonly [content: string, message: string]>> = {
  "nothing at all": ["", `${parsing}error while loading file: encryption provider configuration file ${JSON.stringify(file)} is empty`],
  "no kind": ["apiVersion: apiserver.config.k8s.io/v1\n", `${decoding}Object 'Kind' is missing`],
  "another kind of ours": ["apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n", `${parsing}got unexpected config type: apiserver.config.k8s.io/v1, Kind=AdmissionConfiguration`],
  "an unknown kind": [
    "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfigurations\n",
    `${decoding}no kind "EncryptionConfigurations" is registered for version "apiserver.config.k8s.io/v1" in scheme "k8s.io/apiserver/pkg/server/options/encryptionconfig/config.go:142"`,
  ],
  "an unknown field": [rules(rule(["secrets"], "identity: {}", "pandas: {}")), `${decoding}strict decoding error: unknown field "resources[0].providers[1].pandas"`],
  "an unknown field of a plugin": [rules(rule(["secrets"], kms("apiVersion: v2, name: a, endpoint: 'unix:///a', pandas: true"))), `${decoding}strict decoding error: unknown field "resources[0].providers[0].kms.pandas"`],
  "no rules": [head, `${parsing}resources: Required value: at least one resources is required`],
  "no resources and no providers": [
    `${head}resources:\n- {}\n`,
    `${parsing}[resources[0].resources: Required value: at least one resources[0].resources is required, resources[0].providers: Required value: at least one resources[0].providers is required]`,
  ],
  "a provider of nothing": [
    rules(rule(["secrets"], "{}")),
    `${parsing}resources[0].providers[0]: Invalid value: {"AESGCM":null,"AESCBC":null,"Secretbox":null,"Identity":null,"KMS":null}: provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity`,
  ],
  "two providers in one, whose keys stay out of the message": [
    rules(rule(["secrets"], `{identity: {}, ${aes("aesgcm")}}`)),
    `${parsing}resources[0].providers[0]: Invalid value: {"AESGCM":{"Keys":[{"Name":"key1","Secret":"REDACTED"}]},"AESCBC":null,"Secretbox":null,"Identity":{},"KMS":null}: more than one provider specified in a single element, should split into different list elements`,
  ],
  "no keys": [rules(rule(["secrets"], "aescbc: {keys: []}")), `${parsing}resources[0].providers[0].aescbc.keys: Required value: at least one keys is required`],
  "a key without anything": [
    rules(rule(["secrets"], "aesgcm: {keys: [{}]}")),
    `${parsing}[resources[0].providers[0].aesgcm.keys[0].name: Required value: name is a mandatory field for a key, resources[0].providers[0].aesgcm.keys[0].secret: Required value: secret is a mandatory field for a key]`,
  ],
  "a key that is no base64": [rules(rule(["secrets"], aes("aesgcm", "ä="))), `${parsing}resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded`],
  "a key of a wrong length": [rules(rule(["secrets"], aes("aescbc", secret(33)))), `${parsing}resources[0].providers[0].aescbc.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 33, expected one of [16 24 32]`],
  "a short key for secretbox": [rules(rule(["secrets"], aes("secretbox", secret(16)))), `${parsing}resources[0].providers[0].secretbox.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 16, expected one of [32]`],
  "a star": [rules(rule(["*"], "identity: {}")), `${parsing}resources[0].resources[0]: Invalid value: "*": use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources`],
  "capitals": [rules(rule(["Secrets"], "identity: {}")), `${parsing}resources[0].resources[0]: Invalid value: "Secrets": resource name should not contain capital letters`],
  "events of another name": [rules(rule(["events.events.k8s.io"], "identity: {}")), `${parsing}resources[0].resources[0]: Invalid value: "events.events.k8s.io": '*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file`],
  "extensions": [rules(rule(["*.extensions"], "identity: {}")), `${parsing}resources[0].resources[0]: Invalid value: "*.extensions": 'extensions' group has been removed and cannot be used for encryption`],
  "one resource of all groups": [rules(rule(["secrets.*"], "identity: {}")), `${parsing}resources[0].resources[0]: Invalid value: "secrets.*": encrypting the same resource across groups is not supported`],
  "no API": [rules(rule(["serviceipallocations"], "identity: {}")), `${parsing}resources[0].resources[0]: Invalid value: "serviceipallocations": resources which do not have REST API/s cannot be encrypted`],
  "a resource twice": [rules(rule(["secrets", "secrets"], "identity: {}")), `${parsing}resources[0].resources: Invalid value: ["secrets","secrets"]: the same resource cannot be specified multiple times`],
  "a resource below a wildcard": [
    rules(rule(["secrets", "*."], "identity: {}")),
    `${parsing}resources[0].resources: Invalid value: ["secrets","*."]: using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked`,
  ],
  "masked by its group": [rules(rule(["*."], "identity: {}"), rule(["secrets"], "identity: {}")), `${building}resource "secrets" is masked by earlier rule "*."`],
  "masked by everything": [rules(rule(["*.*"], "identity: {}"), rule(["*.apps"], "identity: {}")), `${building}resource "*.apps" is masked by earlier rule "*.*"`],
  "the same wildcard again": [rules(rule(["*.foo"], "identity: {}"), rule(["*.foo"], "identity: {}")), `${building}resource "*.foo" is masked by earlier rule "*.foo"`],
  "a plugin without anything": [
    rules(rule(["secrets"], kms("apiVersion: v2"))),
    `${parsing}[resources[0].providers[0].kms.name: Required value: name is a mandatory field for a provider, resources[0].providers[0].kms.endpoint: Invalid value: "": endpoint is a mandatory field for a kms]`,
  ],
  "a plugin that is wrong in many ways": [
    rules(rule(["secrets"], kms("apiVersion: v3, name: 'a:b', endpoint: 'tcp://localhost:1', timeout: 0s, cachesize: 5"))),
    `${parsing}[resources[0].providers[0].kms.name: Invalid value: "a:b": invalid KMS provider name a:b, must not contain ':', resources[0].providers[0].kms.timeout: Invalid value: "0s": timeout should be a positive value, `
    + `resources[0].providers[0].kms.endpoint: Invalid value: "tcp://localhost:1": unsupported scheme "tcp" for KMS provider, only unix is supported, resources[0].providers[0].kms.cachesize: Invalid value: 5: cachesize is not supported in v2, `
    + `resources[0].providers[0].kms.apiVersion: Invalid value: "v3": unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported]`,
  ],
  "two plugins of one name": [
    rules(rule(["secrets"], ...[1, 2].map(() => kms("apiVersion: v2, name: a, endpoint: 'unix:///a'")))),
    `${parsing}resources[0].providers[1].kms.name: Invalid value: "a": duplicate KMS provider name a, names must be unique`,
  ],
  "the old version of plugins": [
    rules(rule(["secrets"], kms("name: a, endpoint: 'unix:///a'"))),
    `${building}KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.`,
  ],
};
for (const [title, [content, message]] of Object.entries(refused)) test(`refused: ${title}`, async () => await assert.rejects(load(content), { message }));

test("a file that is not there is told by its name", async () => {
  await assert.rejects(loadRules("/nowhere/x.yaml", { reload: false }, { clock: systemClock, random: cryptoRandom, log: silentLog }), {
    message: `${parsing}error while loading file: error reading encryption provider configuration file "/nowhere/x.yaml": open /nowhere/x.yaml: no such file or directory`,
  });
});

const types = resources.filter(({ storedAs }) => !storedAs).map(({ type }) => type);

test("each key of the store is encrypted by the rule of its resource, or not at all", async () => {
  using loaded = await load(rules(
    rule(["events", "configmaps"], "identity: {}"), rule(["*.apps"], aes("aescbc")), rule(["secrets", "pandas.bears.example", "customresourcedefinitions.apiextensions.k8s.io"], aes("aesgcm")), rule(["*.*"], aes("secretbox")),
  ));
  const transformers = new ResourceTransformers(types, loaded.transformers);
  const writtenBy = (key: string): string => {
    const stored = text(transformers.of(key)?.encode(bytes("{}"), key)) ?? "{}";
    return /^k8s:enc:([a-z]+):v1:key1:/.exec(stored)?.[1] ?? stored;
  };
  const expected: Readonly<Record<string, string>> = {
    "/registry/events/default/a": "{}", "/registry/configmaps/default/a": "{}", "/registry/secrets/default/a": "aesgcm", "/registry/deployments/default/a": "aescbc",
    "/registry/bears.example/pandas/default/a": "aesgcm", "/registry/bears.example/grizzlies/default/a": "secretbox", "/registry/apiextensions.k8s.io/customresourcedefinitions/pandas.bears.example": "aesgcm",
    "/registry/pods/default/a": "secretbox", "/registry/services/specs/default/a": "secretbox", "/registry/services/endpoints/default/a": "secretbox", "/registry/minions/a": "secretbox",
    // No resources: never encrypted, as upstream has it.
    "/registry/ranges/serviceips": "{}", "/registry/masterleases/10.0.0.1": "{}", "/registry/health": "{}", "/elsewhere": "{}",
  };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, writtenBy(key)])), expected);
  assert.deepEqual(transformers.prefixes(), ["/registry/"]);
});

test("rules for some resources leave all others alone", async () => {
  using loaded = await load(rules(rule(["secrets", "widgets.example.com"], aes("aescbc"), "identity: {}")));
  const transformers = new ResourceTransformers(types, loaded.transformers);
  assert.equal(transformers.of("/registry/pods/default/a"), undefined);
  assert.deepEqual(transformers.prefixes(), ["/registry/secrets/", "/registry/example.com/widgets/"]);
  transformers.use(new Map());
  assert.equal(transformers.of("/registry/secrets/default/a"), undefined);
});

test("two rules for one resource are one list of providers; JSON and the kind of the old documentation are read", async () => {
  using loaded = await load(JSON.stringify({ kind: "EncryptionConfig", apiVersion: "v1", resources: ["aescbc", "aesgcm"].map((provider) => ({ resources: ["secrets"], providers: [{ [provider]: { keys: [{ name: "k", secret: secret(16) }] } }] })) }));
  assert.deepEqual([...loaded.transformers.keys()], ["secrets"]);
  assert.match(loaded.hash, /^sha256:[0-9a-f]{64}$/);
  const stored = loaded.transformers.get("secrets")?.encode(bytes("x"), "/k");
  assert.match(text(stored) ?? "", /^k8s:enc:aescbc:v1:k:/);
});

test("names of resources are read as Go reads them", () => {
  for (const [name, again] of [["secrets", "secrets"], ["deployments.apps", "deployments.apps"], ["*.", "*."], ["*.*", "*.*"], ["secrets.", "secrets"], ["a.b.c", "a.b.c"]] as const) assert.equal(groupResourceText(parseGroupResource(name)), again);
});
