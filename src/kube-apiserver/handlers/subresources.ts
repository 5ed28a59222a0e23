import type { KubeObject } from "../../apimachinery/object.ts";
import type { UpdateStrategy } from "../../api/resource.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import type { Authorized } from "../requests/request.ts";
import type { Served } from "../served.ts";
import { checkProduced, producedBy } from "../output/produced-media.ts";
import { bindPod } from "./binding.ts";
import { evictPod } from "./eviction.ts";
import { methodNotAllowed } from "../requests/refusals.ts";
import { patchObject } from "./patch.ts";
import { getObject } from "./read.ts";
import { scale } from "./scale.ts";
import { createToken } from "./token.ts";
import { updateObject } from "./write.ts";

/** Those that are neither another way of writing the object nor a stream, by "group/resource/subresource". */
const special: Readonly<Record<string, (api: Api, request: Authorized, served: Served) => Promise<Answer>>> = {
  "/pods/binding": bindPod,
  "/pods/eviction": evictPod,
  "/serviceaccounts/token": createToken,
  "/replicationcontrollers/scale": scale,
  "apps/deployments/scale": scale,
  "apps/replicasets/scale": scale,
  "apps/statefulsets/scale": scale,
};

/** Undefined when there is no such subresource. `served` is undefined for resources that only stand for others (bindings). */
export async function subresource(api: Api, request: Authorized, served: Served | undefined): Promise<Answer | undefined> {
  const { info } = request;
  if (!served) {
    const pods = api.served("", "v1", "pods");
    if (info.group === "" && info.resource === "bindings" && info.subresource === "" && pods) {
      if (info.verb !== "create") throw methodNotAllowed();
      return await bindPod(api, request, pods);
    }
    return undefined;
  }
  const facts = Object.hasOwn(served.type.subresources, info.subresource) ? served.type.subresources[info.subresource] : undefined;
  if (!facts) return undefined;
  if (!facts.verbs.includes(info.verb)) throw methodNotAllowed();

  checkProduced(request.headers["accept"], producedBy(info.verb));
  const handler = special[`${info.group}/${info.resource}/${info.subresource}`];
  if (handler) return await handler(api, request, served);

  const strategy: UpdateStrategy<KubeObject> | undefined = Object.hasOwn(served.resource.subresources, info.subresource) ? served.resource.subresources[info.subresource] : undefined;
  if (!strategy) return undefined;
  const scoped = served.type.namespaced ? request : { ...request, info: { ...info, namespace: "" } };
  switch (info.verb) {
    case "get": return await getObject(api, scoped, served);
    case "update": return await updateObject(api, scoped, served, strategy);
    case "patch": return await patchObject(api, scoped, served, strategy);
    default: throw methodNotAllowed();
  }
}
