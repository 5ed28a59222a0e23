import type { KubeList, KubeObject } from "../../apimachinery/object.ts";
import { isConflict, isNotFound } from "../../apimachinery/status-error.ts";
import type { HttpTransport } from "../../client/http-transport.ts";
import { matchingRules } from "../../kube-apiserver/encryption/group-resource.ts";

interface Discovered {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

const pageMax = 500;

/**
 * Updates every object of the named resources ("secrets", "*.apps", "*.*") with itself, which writes it with the key that writes now. It is what `kubectl get … -o json | kubectl replace -f -` does.
 * Whatever somebody else writes meanwhile is written with that key as well. Returns how many objects were written. @throws {StatusError} when one cannot be.
 */
export async function rewriteAll(transport: HttpTransport, names: readonly string[], { signal }: { readonly signal: AbortSignal }): Promise<number> {
  const wanted = new Set(names);
  let count = 0;
  for (const { group, version, resource } of await discover(transport, signal)) {
    if (!matchingRules({ resource, group }).some((rule) => wanted.has(rule))) continue;
    for (let next = ""; ; ) {
      const query = { limit: String(pageMax), ...(next !== "" && { continue: next }) };
      const list = (await transport.request({ verb: "list", group, version, resource, query, signal })) as KubeList<KubeObject>;
      for (const object of list.items) if (await rewrite(transport, { group, version, resource }, { ...object, kind: list.kind.replace(/List$/, ""), apiVersion: list.apiVersion }, signal)) count++;
      next = list.metadata.continue ?? "";
      if (next === "") break;
    }
  }
  return count;
}

async function rewrite(transport: HttpTransport, { group, version, resource }: Discovered, object: KubeObject, signal: AbortSignal): Promise<boolean> {
  const { name = "", namespace } = object.metadata;
  try {
    await transport.request({ verb: "update", group, version, resource, name, ...(namespace !== undefined && { namespace }), body: object, signal });
    return true;
  } catch (error) {
    // Gone, or written by somebody else since it was listed.
    if (isNotFound(error) || isConflict(error)) return false;
    throw error;
  }
}

interface ResourceList {
  readonly groupVersion: string;
  readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

/** All resources that can be listed and updated, each in the version that its group prefers. */
async function discover(transport: HttpTransport, signal: AbortSignal): Promise<readonly Discovered[]> {
  const read = async <T>(path: string): Promise<T> => {
    using response = await transport.raw({ method: "GET", path, headers: { accept: "application/json" }, signal });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`the server answers ${response.status} to ${path}: ${text.slice(0, 200)}`);
    return JSON.parse(text) as T;
  };
  const { groups } = await read<{ readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[] }>("/apis");
  const lists = [await read<ResourceList>("/api/v1")];
  for (const { preferredVersion } of groups) lists.push(await read<ResourceList>(`/apis/${preferredVersion.groupVersion}`));
  return lists.flatMap(({ groupVersion, resources }) => {
    const [version = "", group = ""] = groupVersion.split("/").toReversed();
    // Events of the other group are those of the core group under another name.
    if (group === "events.k8s.io") return [];
    return resources.filter(({ name, verbs }) => !name.includes("/") && verbs.includes("list") && verbs.includes("update")).map(({ name }) => ({ group, version, resource: name }));
  });
}
