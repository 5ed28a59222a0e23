import { allResources } from "../../api/generated/all-resources.ts";
import { customresourcedefinitions, type CustomResourceDefinition } from "../../api/generated/apiextensions-v1.ts";
import type { ResourceType } from "../../apimachinery/object.ts";
import { cacheOf, type Context } from "../../client/controller.ts";

const nameOf = ({ group, plural }: ResourceType): string => `${plural}.${group}`;

/** Each built-in resource once, in the version that comes first for its group. */
const builtIn: readonly ResourceType[] = [...new Map(
  allResources.filter(({ onByDefault }) => onByDefault).map(({ type }) => type).toReversed().map((type) => [nameOf(type), type]),
).values()].toReversed();

/** A resource that users defined, as soon as it is served. */
export function customResource({ spec, status }: CustomResourceDefinition): ResourceType | undefined {
  const version = spec.versions.find(({ storage, served }) => storage && served) ?? spec.versions.find(({ served }) => served);
  const isServed = status?.conditions?.some(({ type, status: value }) => type === "Established" && value === "True") ?? false;
  if (!version || !isServed) return undefined;
  const { kind, plural, singular = kind.toLowerCase(), listKind = `${kind}List`, shortNames = [], categories = [] } = spec.names;
  return {
    group: spec.group, version: version.name, kind, listKind, plural, singular, shortNames, categories, namespaced: spec.scope === "Namespaced",
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"], subresources: {},
  };
}

/** Every resource whose objects can be listed and deleted: the built-in ones, and those of the definitions that are there now. */
export function deletableResources(context: Context): readonly ResourceType[] {
  const custom = cacheOf(context, customresourcedefinitions).list().map(customResource).filter((type) => type !== undefined);
  return [...builtIn, ...custom].filter(({ verbs }) => verbs.includes("delete") && verbs.includes("list"));
}
