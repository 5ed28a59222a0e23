import type { KubeObject } from "../../apimachinery/object.ts";
import { traceOf } from "../../stdx/steps.ts";
import { admissionRun } from "../admission-run.ts";
import type { Api } from "../api.ts";
import type { WriteQuery } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import type { WriteContext } from "../registry/registry.ts";
import type { Served } from "../served.ts";

export interface WriteContextOptions {
  readonly served: Served;
  readonly query: WriteQuery;
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions, for admission. */
  readonly options?: unknown;
  readonly name?: string;
  /** Undefined: managed fields are not touched (apply has done that already). */
  readonly track?: WriteContext["track"];
}

/** Heartbeats and news about others: their steps would drown all the rest. */
const unremarkable: ReadonlySet<string> = new Set(["coordination.k8s.io/leases", "/events", "events.k8s.io/events"]);

/** "kubectl/v1.36.4 (linux/amd64) …" is "kubectl": who does not name a field manager is named by the program. */
export function fieldManagerOf(query: WriteQuery, request: Authorized): string {
  if (query.fieldManager !== "") return query.fieldManager;
  const agent = request.headers["user-agent"];
  const text = (typeof agent === "string" ? agent : "").split("/", 1)[0] ?? "";
  return Array.from(text).filter((character) => /[\p{L}\p{N}\p{P}\p{S} ]/u.test(character)).join("").slice(0, 128) || "unknown";
}

/** Puts together what a write carries: who, in which namespace, through which plugins, and where its steps are recorded. */
export function writeContext(api: Api, request: Authorized, { served, query, options, name = request.info.name, track }: WriteContextOptions): WriteContext {
  const { info, user } = request;
  const { type } = served;
  const mutatedBy: string[] = [];
  /** When the last step of this request ended; 0 before the first is recorded, which needs the object's UID. */
  let sinceMs = 0;
  /** Of the object that is written; all of its steps have it. */
  let trace = "";
  const where = { verb: info.verb, resource: info.subresource === "" ? info.resource : `${info.resource}/${info.subresource}` };
  return {
    user,
    namespace: info.namespace,
    dryRun: query.dryRun,
    subresource: info.subresource,
    warn: (text) => void request.warnings.push(text),
    admission: admissionRun({
      plugins: api.admission, type, subresource: info.subresource, namespace: info.namespace, name, user, dryRun: query.dryRun, onMutated: (plugin) => void mutatedBy.push(plugin),
      onWarning: (text) => void request.warnings.push(text),
      ...(options !== undefined && { options }),
    }),
    step(object: KubeObject, stepName, attributes = {}) {
      const { uid } = object.metadata;
      if (query.dryRun || uid === undefined || unremarkable.has(`${type.group}/${type.plural}`)) return;
      const now = api.clock.now();
      if (trace === "") trace = traceOf(uid);
      const record = (each: string, startMs: number, endMs: number, more: Readonly<Record<string, string | number | boolean>>) =>
        api.steps.record({ trace, component: "kube-apiserver", name: each, startMs, endMs, attributes: { ...where, ...more } });
      if (sinceMs === 0) {
        record("authenticated", request.receivedMs, request.authenticatedMs, { user: user.name });
        record("authorized", request.authenticatedMs, request.authorizedMs, { user: user.name });
        record("admitted", request.authorizedMs, now, mutatedBy.length > 0 ? { changedBy: mutatedBy.join(",") } : {});
        sinceMs = now;
      }
      record(stepName, sinceMs, now, attributes);
      sinceMs = now;
    },
    track: track ?? ((next, live) => api.managedFields.update(next, live, { served, subresource: info.subresource, manager: fieldManagerOf(query, request), nowMs: api.clock.now() })),
  };
}
