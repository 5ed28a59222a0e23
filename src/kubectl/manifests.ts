import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { splitApiVersion } from "../apimachinery/object.ts";
import { parseYamlDocuments, YamlError } from "../apimachinery/yaml.ts";
import { parseJson } from "../apimachinery/json.ts";
import { goJson } from "../apimachinery/go-json.ts";
import type { Json } from "./session.ts";
import type { Session } from "./session.ts";
import { kindName, type ServedResource } from "./discovery.ts";

const extensions = [".json", ".yaml", ".yml"];

/** An object of a manifest and what is known of it at the server. */
export interface Info {
  readonly mapping: ServedResource;
  readonly namespace: string;
  readonly name: string;
  /** The file it came from; "" for what came from the server. */
  readonly source: string;
  readonly object: Json;
}

interface Text {
  readonly text: string;
  readonly source: string;
}

function filesOf(path: string, recursive: boolean): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1)).flatMap((entry) => {
    const full = join(path, entry.name);
    if (entry.isDirectory()) return recursive ? filesOf(full, true) : [];
    return extensions.some((extension) => entry.name.endsWith(extension)) ? [full] : [];
  });
}

async function textOfStdin(session: Session): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of session.streams.stdin) chunks.push(Buffer.from(chunk as Uint8Array | string));
  return Buffer.concat(chunks).toString("utf8");
}

async function textsOf(session: Session, filenames: readonly string[], recursive: boolean): Promise<readonly Text[]> {
  const texts: Text[] = [];
  for (const filename of filenames) {
    if (filename === "-") texts.push({ text: await textOfStdin(session), source: "STDIN" });
    else if (/^https?:\/\//.test(filename)) {
      const answer = await fetch(filename, { signal: session.signal });
      if (!answer.ok) throw new Error(`unable to read URL ${JSON.stringify(filename)}, server reported ${answer.status} ${answer.statusText}, status code=${answer.status}`);
      texts.push({ text: await answer.text(), source: filename });
    } else {
      if (!existsSync(filename)) throw new Error(`the path ${JSON.stringify(filename)} does not exist`);
      const files = filesOf(filename, recursive);
      if (files.length === 0) throw new Error(`error reading [${filename}]: recognized file extensions are [${extensions.join(" ")}]`);
      texts.push(...files.map((file) => ({ text: readFileSync(file, "utf8"), source: file })));
    }
  }
  return texts;
}

function documentsOf({ text, source }: Text): readonly unknown[] {
  try {
    return /^\s*[{[]/.test(text) ? jsonOrYaml(text) : parseYamlDocuments(text).map(({ value }) => value);
  } catch (error) {
    if (error instanceof YamlError) throw new Error(`error parsing ${source}: error converting YAML to JSON: ${error.message}`, { cause: error });
    throw error;
  }
}

function jsonOrYaml(text: string): readonly unknown[] {
  try {
    return [parseJson(text)];
  } catch {
    return parseYamlDocuments(text).map(({ value }) => value); // Several JSON documents, or flow style; the YAML parser says what is wrong.
  }
}

export interface ManifestOptions {
  readonly filenames: readonly string[];
  readonly recursive: boolean;
  readonly namespace: string;
  /** The namespace was named by the user, so that objects of others are mistakes. */
  readonly explicitNamespace: boolean;
  /** Whether apiVersion and kind are looked at as `--validate` does. */
  readonly validate?: boolean;
}

/** The objects of all files, lists taken apart, with defaults for the namespace. Goes on after a bad document; the errors come along. */
export async function readManifests(session: Session, options: ManifestOptions): Promise<{ readonly infos: readonly Info[]; readonly errors: readonly unknown[] }> {
  const texts = await textsOf(session, options.filenames, options.recursive);
  const infos: Info[] = [];
  const errors: unknown[] = [];
  for (const text of texts) {
    try {
      for (const document of documentsOf(text)) {
        for (const value of flattened(document)) {
          try {
            infos.push(await infoOf(session, value, text.source, options));
          } catch (error) {
            errors.push(error);
          }
        }
      }
    } catch (error) {
      errors.push(error);
    }
  }
  return { infos, errors };
}

function flattened(value: unknown): readonly unknown[] {
  const { kind, items } = (value ?? {}) as { readonly kind?: unknown; readonly items?: unknown };
  return typeof kind === "string" && kind.endsWith("List") && Array.isArray(items) ? items.flatMap(flattened) : [value];
}

async function infoOf(session: Session, value: unknown, source: string, options: ManifestOptions): Promise<Info> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(options.validate === true ? `error validating ${JSON.stringify(source)}: error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false`
      : `unable to decode ${JSON.stringify(source)}: json: cannot unmarshal ${typeof value === "object" ? "array" : typeof value} into Go value of type unstructured.detector`);
  }
  const object = value as Json & { readonly apiVersion?: string; readonly kind?: string; readonly metadata?: Json & { readonly name?: string; readonly namespace?: string; readonly generateName?: string } };
  const { apiVersion = "", kind = "", metadata = {} } = object;
  if (options.validate === true) {
    const missing = [...(apiVersion === "" ? ["apiVersion not set"] : []), ...(kind === "" ? ["kind not set"] : [])];
    const told = missing.length > 1 ? `[${missing.join(", ")}]` : missing[0];
    if (told !== undefined) throw new Error(`error validating ${JSON.stringify(source)}: error validating data: ${told}; if you choose to ignore these errors, turn validation off with --validate=false`);
  }
  if (kind === "") throw new Error(`unable to decode ${JSON.stringify(source)}: Object 'Kind' is missing in '${goJson(object)}'`);
  const { group, version } = splitApiVersion(apiVersion);
  const mapping = (await session.discovery()).ofKind(group, version, kind);
  const name = metadata.name ?? "";
  if (!mapping) {
    throw new Error(`resource mapping not found for name: ${JSON.stringify(name)} namespace: ${JSON.stringify(metadata.namespace ?? "")} from ${JSON.stringify(source)}: no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}\nensure CRDs are installed first`);
  }
  const given = metadata.namespace ?? "";
  if (mapping.namespaced && options.explicitNamespace && given !== "" && given !== options.namespace) {
    throw new Error(`the namespace from the provided object ${JSON.stringify(given)} does not match the namespace ${JSON.stringify(options.namespace)}. You must pass '--namespace=${given}' to perform this operation.`);
  }
  const namespace = mapping.namespaced ? (given === "" ? options.namespace : given) : "";
  const { namespace: _dropped, ...others } = metadata;
  return { mapping, namespace, name, source, object: { ...object, metadata: { ...others, ...(namespace !== "" && { namespace }) } } };
}

/** "pods", … "pod/x": how an object is named in what is printed about it. */
export const infoName = ({ mapping, name }: Pick<Info, "mapping" | "name">): string => `${kindName(mapping)}/${name}`;
