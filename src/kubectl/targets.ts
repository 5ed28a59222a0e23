import { StatusError } from "../apimachinery/status-error.ts";
import type { Discovery, ServedResource } from "./discovery.ts";
import type { Info } from "./manifests.ts";
import type { Session } from "./session.ts";
import { throwAll } from "./errors.ts";

export interface NamedTarget {
  readonly mapping: ServedResource;
  readonly name: string;
  readonly namespace: string;
}

/** What a command is about: whole collections, objects by their names, or what files hold. */
export type Target =
  | { readonly is: "collections"; readonly mappings: readonly ServedResource[]; readonly namespace: string; readonly labelSelector: string; readonly fieldSelector: string }
  | { readonly is: "names"; readonly items: readonly NamedTarget[]; readonly single: boolean }
  | { readonly is: "files"; readonly infos: readonly Info[]; readonly errors: readonly unknown[]; readonly single: boolean };

export interface TargetOptions {
  readonly args: readonly string[];
  readonly namespace: string;
  readonly explicitNamespace: boolean;
  readonly allNamespaces?: boolean;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** `--all`: everything of the named types. */
  readonly all?: boolean;
  /** Whether a type without a name or selector means all of that type. */
  readonly typeAloneMeansAll?: boolean;
  readonly singleType?: boolean;
  readonly subresource?: string;
  readonly filenames?: readonly string[];
  readonly recursive?: boolean;
  readonly programName?: string;
}

/** A list that is refused is told with what was asked for. */
export async function listing<T>({ group, version, resource }: ServedResource, asked: { readonly labelSelector: string; readonly fieldSelector?: string }, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof StatusError) || (error.reason !== "BadRequest" && error.reason !== "NotFound")) throw error;
    const what = JSON.stringify(`${group}/${version}, Resource=${resource}`);
    const { labelSelector, fieldSelector = "" } = asked;
    const message = labelSelector === "" && fieldSelector === "" ? `Unable to list ${what}: ${error.message}`
      : `Unable to find ${what} that match label selector ${JSON.stringify(labelSelector)}, field selector ${JSON.stringify(fieldSelector)}: ${error.message}`;
    throw new StatusError(error.reason, message, { code: error.code, ...(error.details && { details: error.details }), cause: error });
  }
}

const unique = (text: string): readonly string[] => [...new Set(text.split(","))];

function splitTypeName(argument: string): { readonly type: string; readonly name: string } {
  const parts = argument.split("/");
  if (parts.length !== 2) throw new Error("arguments in resource/name form may not have more than one slash");
  const [type = "", name = ""] = parts;
  if (type === "" || name === "" || unique(type).length !== 1) throw new Error("arguments in resource/name form must have a single resource and name");
  return { type, name };
}

/** "a,b c" means "a/c b/c". */
function normalized(args: readonly string[]): readonly string[] {
  const [first = "", ...names] = args;
  const types = unique(first);
  return args.length >= 2 && types.length > 1 ? types.flatMap((type) => names.map((name) => `${type}/${name}`)) : args;
}

const expanded = (discovery: Discovery, types: string): readonly ServedResource[] => {
  const found = unique(types).flatMap((type) => discovery.category(type) ?? [discovery.mustFind(type)]);
  return [...new Map(found.map((each) => [`${each.kind}.${each.version}.${each.group}`, each])).values()];
};

const missing = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`;

/** Finds out what arguments and flags mean, in kubectl's order and with its complaints. */
export async function resolveTargets(session: Session, options: TargetOptions): Promise<Target> {
  const { filenames = [], allNamespaces = false } = options;
  const args = normalized(options.args);
  const labelSelector = (options.labelSelector ?? "").trim();
  const fieldSelector = (options.fieldSelector ?? "").trim();
  if (options.all === true && (labelSelector !== "" || fieldSelector !== "")) throw new Error("setting 'all' parameter but found a non empty selector. ");
  const slashes = args.filter((argument) => argument.includes("/")).length;
  const program = options.programName ?? "kubectl";
  if (slashes > 0 && slashes !== args.length) {
    throw new Error(`there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. '${program} get resource/<resource_name>' instead of '${program} get resource resource/<resource_name>'`);
  }
  const tuples = slashes > 0 ? args.map(splitTypeName) : [];
  const [types, ...names] = slashes > 0 ? [] : args;
  const selecting = labelSelector !== "" || fieldSelector !== "" || options.all === true || (options.typeAloneMeansAll === true && types !== undefined && names.length === 0);

  if (filenames.length > 0) {
    if (types !== undefined && names.length === 0) throw new Error("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well");
    if (types !== undefined) throw new Error("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well");
    if (tuples.length > 0) throw new Error("resource/name arguments cannot be provided when a path is specified");
    const { readManifests } = await import("./manifests.ts");
    const { infos, errors } = await readManifests(session, { filenames, recursive: options.recursive ?? false, namespace: options.namespace, explicitNamespace: options.explicitNamespace });
    if (infos.length === 0) throwAll(errors);
    return { is: "files", infos, errors, single: infos.length === 1 && filenames.length === 1 && filenames[0] !== "-" };
  }
  const namespaceOf = (mapping: ServedResource): string => {
    if (mapping.namespaced && allNamespaces) throw new Error("a resource cannot be retrieved by name across all namespaces");
    return mapping.namespaced ? options.namespace : "";
  };
  if (selecting) {
    if (names.length > 0) throw new Error("name cannot be provided when a selector is specified");
    if (tuples.length > 0) throw new Error("selectors and the all flag cannot be used when passing resource/name arguments");
    if (types === undefined) throw new Error("at least one resource must be specified to use a selector");
    if ((options.subresource ?? "") !== "") throw new Error("subresource cannot be used when bulk resources are specified");
    const mappings = expanded(await session.discovery(), types);
    if (options.singleType === true && mappings.length > 1) throw new Error("you may only specify a single resource type");
    return { is: "collections", mappings, namespace: allNamespaces ? "" : options.namespace, labelSelector, fieldSelector };
  }
  if (tuples.length > 0) {
    const discovery = await session.discovery();
    const items = tuples.map(({ type, name }) => {
      const mapping = discovery.mustFind(type);
      return { mapping, name, namespace: namespaceOf(mapping) };
    });
    if (options.singleType === true && new Set(items.map(({ mapping }) => mapping)).size > 1) throw new Error("you may only specify a single resource type");
    return { is: "names", items, single: items.length === 1 };
  }
  if (types !== undefined && names.length > 0) {
    const mappings = expanded(await session.discovery(), types);
    const [mapping] = mappings;
    if (!mapping || mappings.length > 1) throw new Error("you must specify only one resource");
    return { is: "names", items: names.map((name) => ({ mapping, name, namespace: namespaceOf(mapping) })), single: names.length === 1 };
  }
  if (types !== undefined) {
    expanded(await session.discovery(), types);
    throw new Error("resource(s) were provided, but no name was specified");
  }
  throw new Error(missing);
}
