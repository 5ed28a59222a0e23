import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import type { AdmissionPlugin, AdmissionRequest, ClusterReader } from "../access.ts";
import { seededRandom } from "../../stdx/random.ts";
import { clusterAuthorizer } from "../authorization/authorizer.ts";
import { userNamed } from "../authorization/fixture.ts";
import { defaultAdmission } from "./default-admission.ts";

/** For tests: time passes only when somebody sleeps, and then at once; `onSleep` is what happens meanwhile. */
export const sleepingClock = (onSleep: () => void = () => undefined) => {
  let nowMs = Date.UTC(2026, 0, 1);
  return { now: () => nowMs, sleep: async (durationMs: number) => { nowMs += durationMs; onSleep(); } };
};

export const pluginsOn = (cluster: ClusterReader, clock = sleepingClock()): readonly AdmissionPlugin[] =>
  defaultAdmission({ cluster, ...clusterAuthorizer(cluster), clock, random: seededRandom(1), signal: new AbortController().signal });

export const requestOf = (type: ResourceType, object: object, more: Partial<AdmissionRequest> = {}): AdmissionRequest => {
  const given = { apiVersion: type.group === "" ? type.version : `${type.group}/${type.version}`, kind: type.kind, metadata: {}, ...object } as KubeObject;
  return {
    operation: "CREATE", type, subresource: "", namespace: given.metadata.namespace ?? "", name: given.metadata.name ?? "", object: given, user: userNamed("jane"), dryRun: false, ...more,
  };
};

/** A deletion has no object. */
export const deletionOf = (type: ResourceType, name: string, more: Partial<AdmissionRequest> = {}): AdmissionRequest => {
  const { object: _none, ...request } = requestOf(type, {}, { operation: "DELETE", name, ...more });
  return request;
};

/** Runs the plugins as the server does: all that change, then all that validate. */
export async function admit(plugins: readonly AdmissionPlugin[], request: AdmissionRequest): Promise<KubeObject | undefined> {
  const concerned = plugins.filter((plugin) => plugin.handles(request.operation, request.type, request.subresource));
  let { object } = request;
  if (object) for (const plugin of concerned) object = await plugin.mutate?.({ ...request, object }) ?? object;
  for (const plugin of concerned) await plugin.validate?.({ ...request, ...(object && { object }) });
  return object;
}
