import { goJson } from "../apimachinery/go-json.ts";
import type { Json } from "./session.ts";
import { inTypedOrder } from "./typed-order.ts";

/** Where client-side apply keeps what was applied last, for its three-way merge. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

const annotationsOf = (object: Json): Readonly<Record<string, string>> => (object["metadata"] as { readonly annotations?: Readonly<Record<string, string>> } | undefined)?.annotations ?? {};

export function lastApplied(object: Json): Json | undefined {
  const text = annotationsOf(object)[lastAppliedAnnotation];
  return text === undefined || text === "" ? undefined : (JSON.parse(text) as Json);
}

/** As `withLastApplied`, for an object that kubectl has made itself and writes in the order of its fields. */
export function withLastAppliedInOrder(object: Json): Json {
  const metadata = object["metadata"] as Json | undefined;
  return { ...object, metadata: { ...metadata, annotations: { ...annotationsOf(object), [lastAppliedAnnotation]: `${goJson(inTypedOrder(object), undefined, { keepOrder: true })}\n` } } };
}

/** The object with itself, in JSON, as its annotation; an older one in it does not count. */
export function withLastApplied(object: Json): Json {
  const { [lastAppliedAnnotation]: _old, ...annotations } = annotationsOf(object);
  const metadata = object["metadata"] as Json | undefined;
  // kubectl records the object with an annotations field even where it has none.
  const recorded = { ...object, metadata: { ...metadata, annotations } };
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [lastAppliedAnnotation]: `${goJson(recorded)}\n` } } };
}
