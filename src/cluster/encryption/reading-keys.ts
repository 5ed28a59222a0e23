import type { EncryptionConfiguration, ProviderConfiguration, ResourceRule } from "../../kube-apiserver/encryption/configuration.ts";

const withNamedKeys = ["aesgcm", "aescbc", "secretbox"] as const;

/**
 * The present configuration, with which what was written under an older one can be read as well: its keys come behind those that are there, so that none of them writes. A resource that is no longer
 * encrypted is written as it is and still read. The same configuration when nothing is missing.
 */
export function withReadingKeys(present: EncryptionConfiguration, old: EncryptionConfiguration): EncryptionConfiguration {
  const known = new Set(present.resources.flatMap((rule) => rule.resources));
  const left = old.resources.flatMap((rule): ResourceRule[] => {
    const resources = rule.resources.filter((resource) => !known.has(resource));
    return resources.length === 0 || rule.providers.every(({ identity }) => identity !== undefined) ? [] : [{ resources, providers: [{ identity: {} }, ...rule.providers.filter(({ identity }) => identity === undefined)] }];
  });
  const resources = present.resources.map((rule) =>
    old.resources.filter((other) => other.resources.some((resource) => rule.resources.includes(resource))).flatMap(({ providers }) => providers).reduce(withProvider, rule));
  return left.length === 0 && resources.every((rule, at) => rule === present.resources[at]) ? present : { resources: [...resources, ...left] };
}

function withProvider(rule: ResourceRule, old: ProviderConfiguration): ResourceRule {
  const { kms } = old;
  if (kms) return rule.providers.some((provider) => provider.kms?.name === kms.name) ? rule : { ...rule, providers: [...rule.providers, old] };
  for (const kind of withNamedKeys) {
    const present = rule.providers.flatMap((provider) => provider[kind]?.keys ?? []);
    const missing = (old[kind]?.keys ?? []).filter(({ name, secret }) => !present.some((key) => key.name === name && key.secret === secret));
    if (missing.length === 0) continue;
    // What is stored names its key, so two keys of one name are told apart only by trying both: they stand in two providers.
    const at = rule.providers.findIndex((provider) => provider[kind] !== undefined);
    const isNew = missing.every(({ name }) => !present.some((key) => key.name === name));
    if (at < 0 || !isNew) return { ...rule, providers: [...rule.providers, { [kind]: { keys: missing } }] };
    return { ...rule, providers: rule.providers.with(at, { [kind]: { keys: [...rule.providers[at]?.[kind]?.keys ?? [], ...missing] } }) };
  }
  return rule;
}
