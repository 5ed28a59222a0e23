import type { EncryptionConfiguration, KeysConfiguration, ProviderConfiguration } from "../../kube-apiserver/encryption/configuration.ts";
import { writingKeys } from "./own-file.ts";

type Rule = EncryptionConfiguration["resources"][number];

const withKeys = (rule: Rule, change: (keys: KeysConfiguration["keys"]) => KeysConfiguration["keys"]): Rule => {
  const [first, ...others] = rule.providers;
  const provider = writingKeys(rule);
  const present = provider && first?.[provider];
  if (!provider || !present) return rule;
  const changed: ProviderConfiguration = { [provider]: { keys: change(present.keys) } };
  return { ...rule, providers: [changed, ...others] };
};

/** A rotation that was interrupted has left an old key behind the one that writes. */
export const isRotating = ({ resources }: EncryptionConfiguration): boolean =>
  resources.some((rule) => {
    const provider = writingKeys(rule);
    return provider !== undefined && (rule.providers[0]?.[provider]?.keys.length ?? 0) > 1;
  });

/** What a rotation writes with keys of the file. Plugins rotate their keys themselves. */
export const rotatedResources = ({ resources }: EncryptionConfiguration): readonly string[] => resources.filter((rule) => writingKeys(rule) !== undefined).flatMap((rule) => rule.resources);

/** A new key writes, and those before still read: from now on either server, the one that has read the file and one that is started anew, reads everything. */
export const withNewKeys = ({ resources }: EncryptionConfiguration, newSecret: () => string): EncryptionConfiguration => ({
  resources: resources.map((rule) => withKeys(rule, (keys) => [{ name: nextName(keys.map(({ name }) => name)), secret: newSecret() }, ...keys])),
});

/** Only the key that writes is left: for when everything has been written with it. */
export const withoutOldKeys = ({ resources }: EncryptionConfiguration): EncryptionConfiguration => ({ resources: resources.map((rule) => withKeys(rule, (keys) => keys.slice(0, 1))) });

/** "key2" after "key1"; a name is never used again, since what is stored names its key. */
function nextName(names: readonly string[]): string {
  const numbers = names.map((name) => Number(/^key(\d{1,9})$/.exec(name)?.[1] ?? 0));
  return `key${Math.max(0, ...numbers) + 1}`;
}
