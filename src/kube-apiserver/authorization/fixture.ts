import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import type { Attributes, ClusterReader, UserInfo } from "../access.ts";

/** For tests: a cluster that holds these objects; `put` adds one or takes its place. */
export function clusterOf(...objects: readonly KubeObject[]): ClusterReader & { put(object: KubeObject): void } {
  let all = [...objects];
  const isOf = ({ kind, group, version }: ResourceType, object: KubeObject): boolean => object.kind === kind && object.apiVersion === (group === "" ? version : `${group}/${version}`);
  return {
    get: <T extends KubeObject>(type: ResourceType<T>, namespace: string, name: string) =>
      all.find((object) => isOf(type, object) && (object.metadata.namespace ?? "") === namespace && object.metadata.name === name) as T | undefined,
    list: <T extends KubeObject>(type: ResourceType<T>, namespace?: string) =>
      all.filter((object) => isOf(type, object) && (namespace === undefined || object.metadata.namespace === namespace)) as unknown as readonly T[],
    put(object) {
      all = [...all.filter((each) => each.kind !== object.kind || each.metadata.name !== object.metadata.name || each.metadata.namespace !== object.metadata.namespace), object];
    },
  };
}

export const userNamed = (name: string, ...groups: readonly string[]): UserInfo => ({ name, groups });

/** "get pods/log.apps default/web" → attributes; a path instead of a resource makes it a non-resource request. */
export function attributesOf(user: UserInfo, text: string, more: Partial<Attributes> = {}): Attributes {
  const [verb = "", what = "", where = ""] = text.split(" ");
  if (what.startsWith("/")) return { user, verb, path: what, isResourceRequest: false, group: "", version: "", resource: "", subresource: "", namespace: "", name: "", ...more };
  const [, resource = "", subresource = "", group = ""] = /^([^/.]+)(?:\/([^.]+))?(?:\.(.+))?$/.exec(what) ?? [];
  const slash = where.indexOf("/");
  const [namespace, name] = slash < 0 ? ["", where] : [where.slice(0, slash), where.slice(slash + 1)];
  return { user, verb, path: "", isResourceRequest: true, group, version: "v1", resource, subresource, namespace, name, ...more };
}
