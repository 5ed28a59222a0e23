import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parseDurationMs } from "../../apimachinery/time.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { Random } from "../../stdx/random.ts";
import type { Prefixed } from "../../storage/encryption/prefixes.ts";
import { keyedProvider, providerList, type NamedKey } from "../../storage/encryption/providers.ts";
import { identity, type Transformer } from "../../storage/encryption/transformer.ts";
import { parseEncryptionConfiguration, WrongKindError, type EncryptionConfiguration, type KeysConfiguration, type KmsConfiguration, type ProviderConfiguration } from "./configuration.ts";
import { groupResourceText, parseGroupResource } from "./group-resource.ts";
import { aggregateText, decodeSecret, encryptionConfigurationErrors, keyedProviders } from "./validation.ts";

export interface RulesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A plugin that is asked for its health, and keeps the key that values are written with. */
export interface KmsProbe {
  /** @throws {Error} what is wrong. */
  check(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

/** What a file says, ready for use. Connections to plugins are open until it is disposed of. */
export interface EncryptionRules extends Disposable {
  /** By resource as the file names it: "secrets", "*.apps", "*.*". */
  readonly transformers: ReadonlyMap<string, Transformer>;
  readonly probes: readonly KmsProbe[];
  /** For how long a request that began with these rules may go on asking plugins. */
  readonly closeAfterMs: number;
  /** Of the file: "sha256:…". */
  readonly hash: string;
}

/** The content of a file and its hash. @throws {Error} in upstream's words. */
export async function readRulesFile(file: string): Promise<{ readonly content: string; readonly hash: string }> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file or directory" : code === "EACCES" ? "permission denied" : message;
    throw new Error(`error reading encryption provider configuration file ${JSON.stringify(file)}: open ${file}: ${reason}`, { cause: error });
  }
  if (content.length === 0) throw new Error(`encryption provider configuration file ${JSON.stringify(file)} is empty`);
  return { content: content.toString(), hash: `sha256:${createHash("sha256").update(content).digest("hex")}` };
}

/** Reads, checks and prepares a configuration. Plugins have been asked once when it resolves; one that is not well is no error yet. @throws {Error} in upstream's words. */
export async function loadRules(file: string, { reload }: { readonly reload: boolean }, options: RulesOptions): Promise<EncryptionRules> {
  const { content, hash } = await readRulesFile(file).catch((error: unknown) => {
    throw new Error(`error while parsing file: error while loading file: ${messageOf(error)}`, { cause: error });
  });
  let configuration: EncryptionConfiguration;
  try {
    configuration = parseEncryptionConfiguration(content);
  } catch (error) {
    const where = error instanceof WrongKindError ? "" : `error decoding encryption provider configuration file ${JSON.stringify(file)}: `;
    throw new Error(`error while parsing file: ${where}${messageOf(error)}`, { cause: error });
  }
  const errors = encryptionConfigurationErrors(configuration, { reload });
  if (errors.length > 0) throw new Error(`error while parsing file: ${aggregateText(errors)}`);
  try {
    return { ...(await build(configuration, options)), hash };
  } catch (error) {
    throw new Error(`error while building transformers: ${messageOf(error)}`, { cause: error });
  }
}

async function build({ resources }: EncryptionConfiguration, options: RulesOptions): Promise<Omit<EncryptionRules, "hash">> {
  using opened = new DisposableStack();
  const providers = new Map<string, Prefixed[]>();
  const probes: KmsProbe[] = [];
  let timeoutMs = 0;
  for (const rule of resources) {
    const ways: Prefixed[] = [];
    for (const provider of rule.providers) {
      if (provider.kms) {
        const { way, probe, connection } = await kmsProvider(provider.kms, options);
        opened.use(connection);
        ways.push(way);
        probes.push(probe);
        timeoutMs += parseDurationMs(provider.kms.timeout);
      } else ways.push(ownProvider(provider, options.random));
    }
    for (const name of rule.resources.map(parseGroupResource)) {
      const key = groupResourceText(name);
      for (const mask of [groupResourceText({ resource: "*", group: name.group }), "*.*"]) {
        if (providers.has(mask)) throw new Error(`resource ${JSON.stringify(key)} is masked by earlier rule ${JSON.stringify(mask)}`);
      }
      providers.set(key, [...(providers.get(key) ?? []), ...ways]);
    }
  }
  await Promise.all(probes.map((probe) => probe.check().catch((error: unknown) => options.log.warn("a KMS plugin is not well; it is asked again", { error }))));
  const transformers = new Map([...providers].flatMap(([name, [first, ...others]]) => (first ? [[name, providerList([first, ...others])] as const] : [])));
  const connections = opened.move();
  return { transformers, probes, closeAfterMs: 2 * timeoutMs, [Symbol.dispose]: () => connections.dispose() };
}

function ownProvider(provider: ProviderConfiguration, random: Random): Prefixed {
  const keyed = keyedProviders.find((each) => provider[each] !== undefined);
  const [first, ...others] = keyed ? keysOf(provider[keyed] ?? { keys: [] }) : [];
  return keyed && first ? keyedProvider(keyed, [first, ...others], random) : { prefix: "", transformer: identity };
}

const keysOf = ({ keys }: KeysConfiguration): readonly NamedKey[] => keys.map(({ name, secret }) => ({ name, secret: decodeSecret(secret) ?? new Uint8Array() }));

/** gRPC is loaded by those only who have a plugin. */
async function kmsProvider({ apiVersion, name, endpoint, timeout }: KmsConfiguration, { clock, random, log }: RulesOptions): Promise<{ readonly way: Prefixed; readonly probe: KmsProbe; readonly connection: Disposable }> {
  if (apiVersion === "v1") {
    throw new Error("KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.");
  }
  const [{ connectKmsPlugin }, { WriteKeyKeeper }, { KmsEnvelope }] = await Promise.all([
    import("../../storage/encryption/kms/plugin.ts"), import("../../storage/encryption/kms/write-key.ts"), import("../../storage/encryption/kms/envelope.ts"),
  ]);
  const plugin = connectKmsPlugin({ endpoint, timeoutMs: parseDurationMs(timeout) });
  const keys = new WriteKeyKeeper({ name, plugin, clock, random, log });
  return { way: { prefix: `k8s:enc:kms:v2:${name}:`, transformer: new KmsEnvelope({ plugin, keys, random }) }, probe: keys, connection: plugin };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
