import { jsonLines } from "../../client/json-lines.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { pathOf, type ServedResource } from "../discovery.ts";
import type { Json, Session } from "../session.ts";

interface Gone {
  readonly mapping: ServedResource;
  readonly namespace: string;
  readonly name: string;
  /** Of the object that was deleted; another one of the same name is not waited for. */
  readonly uid: string | undefined;
}

const lineBytesMax = 64 << 20;
const uidOf = (object: Json): string | undefined => (object["metadata"] as { readonly uid?: string } | undefined)?.uid;
const versionOf = (object: Json): string => (object["metadata"] as { readonly resourceVersion?: string } | undefined)?.resourceVersion ?? "";

/** Returns when the object is gone or replaced by another one; looks again when a watch ends early. */
export async function waitUntilDeleted(session: Session, { mapping, namespace, name, uid }: Gone, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    let resourceVersion: string;
    try {
      const object = await session.json({ method: "GET", path: pathOf(mapping, { namespace, name }), signal });
      if (uid !== undefined && uidOf(object) !== uid) return;
      resourceVersion = versionOf(object);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    using response = await session.raw({
      method: "GET", path: pathOf(mapping, { namespace }), headers: { accept: "application/json" }, query: { fieldSelector: `metadata.name=${name}`, resourceVersion, watch: "true" }, signal,
    });
    if (response.status >= 400) continue;
    for await (const event of jsonLines(response.body, { lineBytesMax })) {
      const { type, object } = event as { readonly type: string; readonly object: Json };
      if (type === "DELETED" || (uid !== undefined && uidOf(object) !== undefined && uidOf(object) !== uid)) return;
      if (type === "ERROR") break;
    }
  }
}
