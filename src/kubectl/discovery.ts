import { apiVersionOf } from "../apimachinery/object.ts";
import type { Session } from "./session.ts";

/** One kind of object as this server serves it in one version. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
}

interface Aggregated {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string; readonly responseKind?: { readonly kind?: string }; readonly scope?: string; readonly singularResource?: string;
        readonly verbs?: readonly string[]; readonly shortNames?: readonly string[]; readonly categories?: readonly string[];
      }[];
    }[];
  }[];
}

const aggregatedForm = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/** The types of resources of a server, groups and versions in the order in which it prefers them. */
export class Discovery {
  readonly resources: readonly ServedResource[];
  constructor(resources: readonly ServedResource[]) {
    this.resources = resources;
  }

  static async load(session: Session): Promise<Discovery> {
    const documents = await Promise.all(["/api", "/apis"].map((path) => session.json<Aggregated>({ method: "GET", path, accept: aggregatedForm })));
    return new Discovery(documents.flatMap(({ items = [] }) => items).flatMap(({ metadata, versions = [] }) => versions.flatMap(({ version, resources = [] }) =>
      resources.map((each): ServedResource => ({
        group: metadata?.name ?? "", version, resource: each.resource, kind: each.responseKind?.kind ?? "", singular: each.singularResource ?? "",
        namespaced: each.scope === "Namespaced", shortNames: each.shortNames ?? [], categories: each.categories ?? [], verbs: each.verbs ?? [],
      })))));
  }

  #named(resource: string, version: string | undefined, group: string | undefined): ServedResource | undefined {
    const fits = (each: ServedResource): boolean => (version === undefined || each.version === version) && (group === undefined || each.group === group || (group !== "" && each.group.startsWith(group)));
    const name = resource.toLowerCase();
    return this.resources.find((each) => fits(each) && (each.resource === name || each.singular === name)) ?? this.resources.find((each) => fits(each) && each.shortNames.includes(name));
  }

  /** What "pods", "po", "Pod", "deployments.apps" or "deployments.v1.apps" means. */
  find(argument: string): ServedResource | undefined {
    const [resource = "", ...rest] = argument.split(".");
    if (rest.length === 0) return this.#named(resource, undefined, undefined);
    const [version = "", ...group] = rest;
    return this.#named(resource, version, group.join(".")) ?? this.#named(resource, undefined, rest.join("."));
  }

  /** @throws in kubectl's words when the server has no such type. */
  mustFind(argument: string): ServedResource {
    const found = this.find(argument);
    if (!found) throw new Error(`the server doesn't have a resource type ${JSON.stringify(argument.split(".")[0])}`);
    return found;
  }

  ofKind(group: string, version: string, kind: string): ServedResource | undefined {
    return this.resources.find((each) => each.group === group && each.version === version && each.kind === kind);
  }

  /** "all" → the preferred versions of the resources of that category; undefined when it is no category. */
  category(name: string): readonly ServedResource[] | undefined {
    const members = this.resources.filter(({ categories }) => categories.includes(name));
    const first = new Map<string, ServedResource>();
    for (const each of members) if (!first.has(`${each.resource}.${each.group}`)) first.set(`${each.resource}.${each.group}`, each);
    return first.size === 0 ? undefined : [...first.values()];
  }
}

/** Path of a collection, of an object in it, or of a subresource. */
export function pathOf({ group, version, resource, namespaced }: ServedResource, at: { readonly namespace?: string; readonly name?: string; readonly subresource?: string } = {}): string {
  const segments = [
    group === "" ? "api" : "apis", ...apiVersionOf({ group, version }).split("/"),
    ...(namespaced && at.namespace !== undefined && at.namespace !== "" ? ["namespaces", at.namespace] : []), resource,
    ...(at.name === undefined ? [] : [at.name]), ...(at.subresource === undefined || at.subresource === "" ? [] : at.subresource.split("/")),
  ];
  return `/${segments.map(encodeURIComponent).join("/")}`;
}

/** "pod", "deployment.apps": how kubectl names the type of an object in what it prints. */
export const kindName = ({ kind, group }: { readonly kind: string; readonly group: string }): string => (group === "" ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`);
