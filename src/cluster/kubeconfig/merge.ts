import { type Document, isMap, isNode, isScalar, isSeq, parseAllDocuments, parseDocument, YAMLSeq } from "yaml";
import { entriesOf, kubeconfigText, type ClusterAccess } from "./kubeconfig.ts";

/** The file is not a kubeconfig that can be changed without doing harm; its content is left as it is. */
export class UnreadableKubeconfigError extends Error {
  override readonly name = "UnreadableKubeconfigError";
}

const sections = ["clusters", "contexts", "users"] as const;
type Section = (typeof sections)[number];

/**
 * The text of a kubeconfig with this cluster added (or brought up to date) and its context made the current one. Comments, order, and fields that
 * we do not know stay as they are. `text` is the file's present content, "" when there is none.
 *
 * @throws {UnreadableKubeconfigError}
 */
export function withCluster(text: string, access: ClusterAccess): string {
  if (text.trim() === "") return kubeconfigText(access);
  const document = parse(text);
  if (document.contents === null) return kubeconfigText(access);
  const entries = entriesOf(access);
  for (const section of sections) setEntry(document, section, access.name, entries[section]);
  if (!document.has("apiVersion")) document.set("apiVersion", "v1");
  if (!document.has("kind")) document.set("kind", "Config");
  document.set("current-context", access.name);
  return print(document);
}

/**
 * The text without the entries of this name; `current-context` is emptied when it was this one. The very same text when nothing of it was there.
 *
 * @throws {UnreadableKubeconfigError}
 */
export function withoutCluster(text: string, name: string): string {
  if (text.trim() === "") return text;
  const document = parse(text);
  let changed = false;
  for (const section of sections) {
    const list = listOf(document, section);
    const at = list ? indexOf(list, name) : -1;
    if (!list || at < 0) continue;
    list.delete(at);
    // An emptied list is printed as one: "clusters: []" on its line, as kubectl does.
    if (list.items.length === 0) list.flow = true;
    changed = true;
  }
  if (document.get("current-context") === name) {
    document.set("current-context", "");
    changed = true;
  }
  return changed ? print(document) : text;
}

function parse(text: string): Document {
  const documents = parseAllDocuments(text);
  if (Array.isArray(documents) && documents.length > 1) throw new UnreadableKubeconfigError("it holds more than one YAML document");
  const document = parseDocument(text, { keepSourceTokens: false });
  const [error] = document.errors;
  if (error) throw new UnreadableKubeconfigError(error.message.split("\n")[0] ?? "it is not YAML", { cause: error });
  if (document.contents !== null && !isMap(document.contents)) throw new UnreadableKubeconfigError("it is not a kubeconfig: a mapping was expected");
  const kind = document.get("kind");
  if (kind !== undefined && kind !== "Config") throw new UnreadableKubeconfigError(`it is not a kubeconfig: its kind is ${JSON.stringify(kind)}`);
  for (const section of sections) {
    const value = document.get(section);
    if (value !== undefined && value !== null && !isSeq(value)) throw new UnreadableKubeconfigError(`it is not a kubeconfig: ${section} is not a list`);
  }
  return document;
}

function listOf(document: Document, section: Section): YAMLSeq | undefined {
  const value = document.get(section);
  return isSeq(value) ? value : undefined;
}

const indexOf = (list: YAMLSeq, name: string): number => list.items.findIndex((item) => isMap(item) && item.get("name") === name);

function setEntry(document: Document, section: Section, name: string, entry: Readonly<Record<string, unknown>>): void {
  let list = listOf(document, section);
  if (!list) {
    list = new YAMLSeq();
    document.set(section, list);
  }
  const at = indexOf(list, name);
  const existing = list.items[at];
  if (!isMap(existing)) {
    list.flow = false;
    list.items.push(document.createNode(entry));
    return;
  }
  // Only the fields that are ours are set, so that a namespace that the user chose for this context stays.
  for (const [key, value] of Object.entries(entry)) {
    const present = existing.get(key);
    if (typeof value !== "object" || value === null || !isMap(present)) existing.set(key, isNode(value) || isScalar(value) ? value : document.createNode(value));
    else for (const [field, inner] of Object.entries(value)) present.set(field, inner);
  }
}

const print = (document: Document): string => document.toString({ lineWidth: 0, flowCollectionPadding: false });
