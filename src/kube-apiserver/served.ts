import type { KubeObject, ResourceType } from "../apimachinery/object.ts";
import type { Resource, UpdateStrategy } from "../api/resource.ts";
import type { CacheEntry, StoredForm } from "./cache/cache-entry.ts";
import type { Registry } from "./registry/registry.ts";

/** One resource at one version of its API, over the registry that stores it (perhaps in another version). */
export interface Served {
  readonly type: ResourceType;
  readonly resource: Resource;
  readonly registry: Registry;
  readonly form: StoredForm;
  /** Undefined when this is the version in which it is stored. */
  readonly conversion: Conversion | undefined;
}

/** What it takes to show objects of a resource. */
export type Shown = Pick<Served, "type" | "resource">;

/** Between the version that is served and the one that is stored. */
export interface Conversion {
  fromStored(object: KubeObject): KubeObject;
  toStored(object: KubeObject): KubeObject;
}

export const entryAs = ({ form, conversion }: Pick<Served, "form" | "conversion">, entry: CacheEntry): CacheEntry =>
  conversion ? entry.view(form, (object) => conversion.fromStored(object)) : entry;

export const objectAs = ({ conversion }: Pick<Served, "conversion">, object: KubeObject): KubeObject => (conversion ? conversion.fromStored(object) : object);
export const storedFrom = ({ conversion }: Pick<Served, "conversion">, object: KubeObject): KubeObject => (conversion ? conversion.toStored(object) : object);

/**
 * The way of writing that the registry is to take: that of a subresource, or, where the version that is served has rules of its own, the main one
 * with these rules. None for the registry's own.
 */
export function strategyOf({ resource, registry, conversion }: Pick<Served, "resource" | "registry" | "conversion">, subresource: UpdateStrategy<KubeObject> | undefined): { readonly strategy?: UpdateStrategy<KubeObject> } {
  if (subresource) return { strategy: subresource };
  if (!conversion) return {};
  const stored = registry.resource;
  return {
    strategy: {
      prepareForUpdate: (next, previous) => stored.prepareForUpdate(next, previous),
      validateUpdate: (next, previous) => resource.validateUpdate(conversion.fromStored(next), conversion.fromStored(previous)),
      ...(stored.warningsOnUpdate && { warningsOnUpdate: stored.warningsOnUpdate }), ...(stored.tracked && { tracked: stored.tracked }),
    },
  };
}
