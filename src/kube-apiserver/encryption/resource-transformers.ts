import type { ResourceType } from "../../apimachinery/object.ts";
import type { Transformers } from "../../storage/encryption/encrypting-store.ts";
import type { Transformer } from "../../storage/encryption/transformer.ts";
import { prefixOf, storageRoot } from "../cache/storage-keys.ts";
import { matchingRules, parseGroupResource, type GroupResource } from "./group-resource.ts";

/** Finds the rule for a key of the store. The rules may change; what is found is remembered until they do. */
export class ResourceTransformers implements Transformers {
  /** Resources by the prefix of their keys. Custom resources are not among them: their keys say it. */
  readonly #resources: ReadonlyMap<string, GroupResource>;
  #rules: ReadonlyMap<string, Transformer>;
  readonly #found = new Map<string, Transformer | undefined>();

  /** `types` are those of which objects are stored, not other versions or views of them. */
  constructor(types: readonly Pick<ResourceType, "group" | "plural">[], rules: ReadonlyMap<string, Transformer>) {
    this.#resources = new Map(types.map((type) => [prefixOf(type), { resource: type.plural, group: type.group }]));
    this.#rules = rules;
  }

  use(rules: ReadonlyMap<string, Transformer>): void {
    this.#rules = rules;
    this.#found.clear();
  }

  of(key: string): Transformer | undefined {
    const prefix = this.#prefixOf(key);
    if (prefix === undefined) return undefined;
    const known = this.#found.get(prefix);
    if (known || this.#found.has(prefix)) return known;
    const resource = this.#resourceOf(prefix);
    const rule = resource && matchingRules(resource).find((name) => this.#rules.has(name));
    const found = rule === undefined ? undefined : this.#rules.get(rule);
    this.#found.set(prefix, found);
    return found;
  }

  /** Where values lie that a rule holds for; with a wildcard that may be everywhere. */
  prefixes(): readonly string[] {
    const names = [...this.#rules.keys()];
    if (names.some((name) => parseGroupResource(name).resource === "*")) return [storageRoot];
    return [...new Set(names.map((name) => {
      const { resource, group } = parseGroupResource(name);
      return prefixOf({ plural: resource, group });
    }))];
  }

  /** One part below the root, or two. */
  #prefixOf(key: string): string | undefined {
    if (!key.startsWith(storageRoot)) return undefined;
    const first = key.indexOf("/", storageRoot.length) + 1;
    if (first === 0) return undefined;
    const short = key.slice(0, first);
    if (this.#resources.has(short)) return short;
    const second = key.indexOf("/", first) + 1;
    return second === 0 ? short : key.slice(0, second);
  }

  #resourceOf(prefix: string): GroupResource | undefined {
    const known = this.#resources.get(prefix);
    if (known) return known;
    const [group = "", resource = ""] = prefix.slice(storageRoot.length, -1).split("/");
    // Groups of custom resources are domains; what else lies in two parts ("ranges/serviceips") is no resource.
    return group.includes(".") && resource !== "" ? { resource, group } : undefined;
  }
}
