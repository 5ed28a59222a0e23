import { existsSync } from "node:fs";
import type { EncryptionConfiguration, ProviderConfiguration } from "../../kube-apiserver/encryption/configuration.ts";
import { cryptoRandom, type Random } from "../../stdx/random.ts";
import { readText, writeSecret } from "../pki/files.ts";
import type { ClusterPaths, ClusterSpec } from "../spec.ts";

/** Of the provider that new clusters encrypt with. */
const secretBytes = 32;

/**
 * What a new cluster encrypts: its Secrets, with a key of its own. Secretbox, since its nonces are long enough to be drawn by chance for as long as a key is used; AES-GCM would have to be
 * rotated for that. What is not encrypted is read as well (identity): a cluster from before there was encryption goes on, and is encrypted when its server starts.
 */
const newConfiguration = (random: Random): EncryptionConfiguration => ({
  resources: [{ resources: ["secrets"], providers: [{ secretbox: { keys: [{ name: "key1", secret: newSecret(random) }] } }, { identity: {} }] }],
});

export const newSecret = (random: Random): string => Buffer.from(random.bytes(secretBytes)).toString("base64");

/** As JSON, which is read without loading all that YAML needs; upstream's server reads it too. */
export const configurationText = ({ resources }: EncryptionConfiguration): string =>
  `${JSON.stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources }, null, 2)}\n`;

/** Whether a cluster has a file of its own. One that lies in an etcd may share that with others, who would need the key: there it is the user who says what is encrypted. */
export const encryptsByItself = (spec: ClusterSpec): boolean => spec.etcd === undefined;

/**
 * Makes the file with the cluster's key, unless it is there; a fork takes that of the cluster that it comes from. It has reached the disk when this resolves: nothing can be read without it.
 * @throws {Error} when the file of a cluster is gone that had one: with another key nothing could be read.
 */
export async function ensureEncryptionFile(paths: ClusterPaths, spec: ClusterSpec, { from, random = cryptoRandom }: { readonly from?: string | undefined; readonly random?: Random } = {}): Promise<ClusterSpec> {
  if (!encryptsByItself(spec)) return spec;
  if (!existsSync(paths.encryption)) {
    if (spec.encrypted === true) throw new Error(`${paths.encryption} is missing, and with it the key to the cluster's Secrets: put it back from a copy`);
    const inherited = from === undefined ? undefined : await readText(from);
    await writeSecret(paths.encryption, inherited ?? configurationText(newConfiguration(random)), { durable: true });
  }
  return { ...spec, encrypted: true };
}

/** The first provider of a rule, when it encrypts with keys that the file names. */
export function writingKeys({ providers: [first] }: EncryptionConfiguration["resources"][number]): keyof Pick<ProviderConfiguration, "aesgcm" | "aescbc" | "secretbox"> | undefined {
  return (["aesgcm", "aescbc", "secretbox"] as const).find((each) => first?.[each] !== undefined);
}
