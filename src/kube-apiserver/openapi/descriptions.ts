import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { groupVersionOfPackage, servedTypeNames } from "../../api/schemas.ts";
import { noDescriptions, type Descriptions } from "./definitions.ts";

/** Type → its sentence and those of its fields: what the build puts beside this module, so that the published package needs no other. */
export type DescriptionBundle = Readonly<Record<string, { readonly type?: string; readonly fields: Readonly<Record<string, string>> }>>;
export const bundleFileName = "descriptions.json";

const modelsFolder = join("node_modules", "@kubernetes", "client-node", "dist", "gen", "models");

/** The models of @kubernetes/client-node of the same Kubernetes version: their comments are the descriptions of the API. Undefined where it is not installed. */
function findModels(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const models = join(folder, modelsFolder);
    if (existsSync(models)) return models;
    if (dirname(folder) === folder) return undefined;
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Files that may hold a type: kinds of several groups carry their group in the name ("RbacV1Subject"), all others only their version. */
function modelFiles(type: string): readonly string[] {
  const dot = type.lastIndexOf(".");
  const [section, name] = [type.slice(0, dot), type.slice(dot + 1)];
  const version = groupVersionOfPackage(section)?.version ?? "";
  const packageGroup = section.split(".").at(-2) ?? "";
  return [`${capital(packageGroup)}${capital(version)}${name}.d.ts`, `${capital(version)}${name}.d.ts`, ...(name === "Info" ? ["VersionInfo.d.ts"] : [])];
}

const unescape = (text: string): string => text.replaceAll(/\\(["'\\`])/g, "$1").replaceAll("*_/", "*/").replaceAll("/_*", "/*");
/** Models rename what JavaScript or their generator reserves: "_continue", "x_kubernetes_list_type", "$ref". */
const fieldName = (name: string): string => (name.startsWith("x_") ? name.replaceAll("_", "-") : name.replace(/^_/, ""));

function readModel(text: string): DescriptionBundle[string] {
  const type = /\/\*\*\n\* (.*)\n\*\/\nexport declare class/.exec(text)?.[1];
  // The models' generator puts the text of IntOrString in place of the field's own.
  const fields = [...text.matchAll(/\/\*\*\n {4}\* (.*)\n {4}\*\/\n {4}'([^']+)'\??:/g)].filter(([, description = ""]) => !description.startsWith("IntOrString is a type"))
    .map(([, description = "", name = ""]) => [fieldName(name), unescape(description)] as const);
  return { ...(type !== undefined && { type: unescape(type) }), fields: Object.fromEntries(fields) };
}

const modelOf = (folder: string, type: string): DescriptionBundle[string] | undefined => {
  const file = modelFiles(type).map((name) => join(folder, name)).find((path) => existsSync(path));
  return file === undefined ? undefined : readModel(readFileSync(file, "utf8"));
};

/** Types that the models do not have as such; these sentences are ours. */
const ownDescriptions: Readonly<Record<string, string>> = {
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "A number, or text such as a name or a percentage.",
  "io.k8s.apimachinery.pkg.api.resource.Quantity": "An amount of a resource: a number with an optional suffix (m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei) or exponent, such as 100m, 1.5Gi or 1e3.",
  "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "A point in time, to the second, as RFC 3339 writes it.",
  "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "A point in time, to the microsecond, as RFC 3339 writes it.",
};

/** Remembers the last type: documents ask for a type and then for all of its fields. */
function fromLookup(lookup: (type: string) => DescriptionBundle[string] | undefined): Descriptions {
  let last: { readonly name: string; readonly found: DescriptionBundle[string] | undefined } | undefined;
  const find = (name: string): DescriptionBundle[string] | undefined => {
    if (last?.name !== name) last = { name, found: lookup(name) };
    return last.found;
  };
  return { type: (name) => ownDescriptions[name] ?? find(name)?.type, field: (name, field) => find(name)?.fields[field] };
}

/** Everything there is, for the build; undefined where the package is not installed. */
export function bundleDescriptions(from: string = import.meta.dirname): DescriptionBundle | undefined {
  const folder = findModels(from);
  if (folder === undefined) return undefined;
  return Object.fromEntries(servedTypeNames().flatMap((name) => {
    const model = modelOf(folder, name);
    return model ? [[name, model]] : [];
  }));
}

/**
 * Descriptions from the file that the build wrote, else from the installed package, else none. Nothing is read before a document asks, and what was read may be collected
 * again, since documents are cached.
 */
export function installedDescriptions(from: string = import.meta.dirname): Descriptions {
  const bundled = join(import.meta.dirname, bundleFileName);
  if (existsSync(bundled)) {
    let kept: WeakRef<DescriptionBundle> | undefined;
    return fromLookup((name) => {
      const bundle = kept?.deref() ?? (JSON.parse(readFileSync(bundled, "utf8")) as DescriptionBundle);
      kept = new WeakRef(bundle);
      return bundle[name];
    });
  }
  const folder = findModels(from);
  return folder === undefined ? noDescriptions : fromLookup((name) => modelOf(folder, name));
}
