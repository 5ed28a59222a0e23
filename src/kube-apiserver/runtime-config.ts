import { allResources } from "../api/generated/all-resources.ts";
import type { Resource } from "../api/resource.ts";
import { apiVersionOf, type ResourceType } from "../apimachinery/object.ts";

/**
 * Which versions are served beside, or not among, those that are on by default: upstream's `--runtime-config`
 * (https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/).
 */
export interface RuntimeConfig {
  isOn(type: Pick<ResourceType, "group" | "version" | "plural">): boolean;
}

/** Whole families of versions, from the widest: later ones overrule earlier ones, single versions overrule all. */
const families: Readonly<Record<string, (version: string) => boolean>> = {
  "api/all": () => true,
  "api/ga": (version) => /^v\d+$/.test(version),
  "api/beta": (version) => /^v\d+beta\d+$/.test(version),
  "api/alpha": (version) => /^v\d+alpha\d+$/.test(version),
};

const words: Readonly<Record<string, boolean>> = { true: true, "1": true, t: true, T: true, TRUE: true, True: true, false: false, "0": false, f: false, F: false, FALSE: false, False: false };

function parse(text: string): ReadonlyMap<string, boolean> {
  const said = new Map<string, boolean>();
  for (const part of text.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    const [key = "", value = "true"] = part.split("=", 2).map((each) => each.trim());
    const on = words[value];
    if (on === undefined) throw new Error(`invalid value of ${key}=${value}`);
    said.set(key, on);
  }
  return said;
}

/** The group version, or the one resource of it, that a key names: "apps/v1", "apps/v1/deployments", "api/v1", "v1". */
function nameOf(key: string): string {
  const [first = "", second = "", ...rest] = key === "v1" ? ["api", "v1"] : key.split("/");
  return [...(first === "api" ? [second] : [first, second]), ...rest].join("/");
}

const nameOfResource = (type: Pick<ResourceType, "group" | "version" | "plural">): string => `${apiVersionOf(type)}/${type.plural}`;

/** @throws {Error} for what is no configuration, or names a version that Kubernetes 1.36 does not have. */
export function parseRuntimeConfig(text: string): RuntimeConfig {
  const said = parse(text);
  if (said.get("api/all") === false && said.size === 1) throw new Error("invalid key with only api/all=false");
  const known = new Set(allResources.flatMap(({ type }) => [apiVersionOf(type), nameOfResource(type)]));
  const single = new Map<string, boolean>();
  for (const [key, on] of said) {
    if (key in families) continue;
    const name = nameOf(key);
    if (!known.has(name)) throw new Error(`unknown api groups ${key}`);
    single.set(name, on);
  }
  const defaults = new Map(allResources.map(({ type, onByDefault }) => [nameOfResource(type), onByDefault]));
  return {
    isOn(type) {
      let on = defaults.get(nameOfResource(type)) ?? true;
      for (const [family, has] of Object.entries(families)) {
        const wanted = said.get(family);
        if (wanted !== undefined && has(type.version)) on = wanted;
      }
      return single.get(nameOfResource(type)) ?? single.get(apiVersionOf(type)) ?? on;
    },
  };
}

/**
 * What to serve of the resources that there are. A version that was asked for by name and has nothing behind it here is an error, not something left out without a word.
 * @throws {Error}
 */
export function resourcesOn(text: string, all: readonly Resource[]): readonly Resource[] {
  const config = parseRuntimeConfig(text);
  const present = new Set(all.map(({ type }) => apiVersionOf(type)));
  for (const [key, on] of parse(text)) {
    const [group = "", version = ""] = nameOf(key).split("/");
    if (on && !(key in families) && version !== "" && version !== "v1" && !present.has(`${group}/${version}`)) throw new Error(`${key} is not served by this server`);
  }
  return all.filter(({ type }) => config.isOn(type));
}
