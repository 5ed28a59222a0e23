import { goJson } from "../go-json.ts";
import { parseJson } from "../json.ts";
import type { KubeObject, ObjectMeta } from "../object.ts";
import { difference, emptyFieldSet, type FieldSet } from "./field-set.ts";
import type { Shape } from "./shape.ts";
import { compareTyped, fieldSetOfTyped } from "./typed-value.ts";

const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
/** kubectl's name in server-side apply; it may take over what the last client-side apply said. */
const kubectlManager = "kubectl";
/** All annotations of an object together; the annotation is left out rather than that it makes the object invalid. */
const annotationBytesMax = 256 * 1024;

/** Fields that are as the last client-side apply left them: kubectl may take those over. `live` without its managed fields. */
export function lastAppliedFields(live: KubeObject | undefined, { manager, apiVersion, shape }: { readonly manager: string; readonly apiVersion: string; readonly shape: Shape }): FieldSet {
  const text = live?.metadata.annotations?.[lastAppliedAnnotation];
  if (manager !== kubectlManager || live === undefined || text === undefined || text === "") return emptyFieldSet;
  try {
    const last = parseJson(text) as { readonly apiVersion?: unknown };
    if (last.apiVersion !== apiVersion) return emptyFieldSet;
    const { added, modified, removed } = compareTyped(last, live, shape);
    return difference(difference(difference(fieldSetOfTyped(last, shape), modified), added), removed);
  } catch {
    // An annotation that somebody broke allows nothing; the conflicts stand.
    return emptyFieldSet;
  }
}

const bytesOf = (annotations: Readonly<Record<string, string>>): number =>
  Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);

/** kubectl keeps the annotation of client-side apply true where there is one, so that one may go back. */
export function withLastApplied(object: KubeObject, patch: KubeObject, manager: string): KubeObject {
  const { annotations } = object.metadata;
  if (manager !== kubectlManager || (annotations?.[lastAppliedAnnotation] ?? "") === "") return object;
  const { [lastAppliedAnnotation]: _, ...others } = patch.metadata.annotations ?? {};
  const { annotations: __, ...metadata }: ObjectMeta = patch.metadata;
  const config = { ...patch, metadata: { ...metadata, ...(patch.metadata.annotations !== undefined && { annotations: others }) } };
  const next = { ...annotations, [lastAppliedAnnotation]: `${goJson(config)}\n` };
  if (bytesOf(next) > annotationBytesMax) {
    const { [lastAppliedAnnotation]: ___, ...kept } = next;
    return { ...object, metadata: { ...object.metadata, annotations: kept } };
  }
  return { ...object, metadata: { ...object.metadata, annotations: next } };
}
