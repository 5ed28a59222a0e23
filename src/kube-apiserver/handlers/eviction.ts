import type { Pod } from "../../api/generated/core-v1.ts";
import { poddisruptionbudgets, type Eviction, type PodDisruptionBudget } from "../../api/generated/policy-v1.ts";
import { matchesLabels, labelMatcherOf } from "../../apimachinery/label-selector.ts";
import { badRequest, forbiddenError, StatusError } from "../../apimachinery/status-error.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { decodeBody } from "../requests/body.ts";
import { writeQuery } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import type { DeleteOptions } from "../registry/deletion.ts";
import { timestamp } from "../registry/identity.ts";
import type { WriteContext } from "../registry/registry.ts";
import type { Served } from "../served.ts";
import { writeContext } from "./write-context.ts";

/** A budget that has so many evictions unconfirmed takes no more. */
const disruptedPodsMax = 2000;

/** POST pods/x/eviction: a delete that a PodDisruptionBudget may hold back. https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/ */
export async function evictPod(api: Api, request: Authorized, pods: Served): Promise<Answer> {
  const { info } = request;
  const query = writeQuery(request.query, "CreateOptions");
  const kind = { group: "policy", version: "v1", kind: "Eviction" };
  const eviction = await decodeBody<Eviction>(request.payload, { kind, schemas: api.schemas, protobuf: api.protobuf, fieldValidation: query.fieldValidation, warnings: request.warnings });
  if ((eviction.metadata.name ?? "") !== info.name) throw badRequest("name in URL does not match name in Eviction object");

  const options = (eviction.deleteOptions ?? {}) as DeleteOptions;
  const dryRun = query.dryRun || (options.dryRun ?? []).length > 0;
  const context = writeContext(api, request, { served: pods, query: { ...query, dryRun }, options });
  await context.admission.validate("CREATE", eviction, undefined);

  const { entry } = { entry: await pods.registry.get(info.namespace, info.name) };
  const pod = entry.object as Pod;
  const unadmitted: WriteContext = { ...context, admission: { mutate: async (_, object) => object, validate: async () => undefined } };
  const budgets = withoutBudget(pod) ? [] : api.state.list(poddisruptionbudgets, info.namespace).filter((budget) => guards(budget, pod));
  if (budgets.length > 1) {
    return {
      is: "object", code: 500,
      object: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.", code: 500 },
    };
  }
  const [budget] = budgets;
  if (budget && !mayGoUnhealthy(pod, budget)) await take(api, unadmitted, budget, info.name, dryRun);

  const marked = await pods.registry.write(info.namespace, info.name, (current) => disrupted(current as Pod, timestamp(api.clock.now())), unadmitted);
  const { preconditions } = options;
  const fresh = preconditions?.resourceVersion === undefined ? options : { ...options, preconditions: { ...preconditions, resourceVersion: String(marked.revision) } };
  await pods.registry.delete(info.name, fresh, unadmitted);
  return { is: "object", code: 201, object: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 } };
}

/** Pods that do no work (yet, or any more) are nobody's loss. */
const withoutBudget = ({ status, metadata }: Pod): boolean =>
  ["Succeeded", "Failed", "Pending"].includes(status?.phase ?? "") || metadata.deletionTimestamp !== undefined;

const guards = ({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean => spec?.selector !== undefined && matchesLabels(labelMatcherOf(spec.selector), metadata.labels ?? {});

const isReady = ({ status }: Pod): boolean => status?.conditions?.some(({ type, status: each }) => type === "Ready" && each === "True") ?? false;

function mayGoUnhealthy(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (isReady(pod)) return false;
  if (spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

function disrupted(pod: Pod, now: string): Pod {
  const conditions = pod.status?.conditions ?? [];
  if (conditions.some(({ type, status }) => type === "DisruptionTarget" && status === "True")) return pod;
  const target = { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", message: "Eviction API: evicting", lastTransitionTime: now };
  return { ...pod, status: { ...pod.status, conditions: [...conditions.filter(({ type }) => type !== "DisruptionTarget"), target] } };
}

/** Takes one disruption from the budget. @throws {StatusError} TooManyRequests when there is none left. */
async function take(api: Api, context: WriteContext, { metadata }: PodDisruptionBudget, pod: string, dryRun: boolean): Promise<void> {
  const served = api.served("policy", "v1", "poddisruptionbudgets");
  if (!served) return;
  await served.registry.write(metadata.namespace ?? "", metadata.name ?? "", (current) => taken(current as PodDisruptionBudget, pod, timestamp(api.clock.now())), { ...context, dryRun });
}

export function taken(budget: PodDisruptionBudget, pod: string, now: string): PodDisruptionBudget {
  const { name = "", generation = 0 } = budget.metadata;
  const status = budget.status ?? {};
  const { disruptionsAllowed = 0, currentHealthy = 0, desiredHealthy = 0 } = status;
  const tooMany = (message: string, retryAfterSeconds?: number) =>
    new StatusError("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
      details: { causes: [{ reason: "DisruptionBudget", message }], ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
    });
  if ((status.observedGeneration ?? 0) < generation) throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
  const resource = { group: "policy", resource: "poddisruptionbudget" };
  if (disruptionsAllowed < 0) throw forbiddenError(resource, name, "pdb disruptions allowed is negative");
  if (Object.keys(status.disruptedPods ?? {}).length > disruptedPodsMax) throw forbiddenError(resource, name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  if (disruptionsAllowed === 0) {
    const condition = status.conditions?.find(({ type }) => type === "DisruptionAllowed");
    const because = condition?.status === "False" && (condition.message ?? "") !== "";
    throw tooMany(
      because && condition.reason === "SyncFailed" ? `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`
      : currentHealthy <= desiredHealthy ? `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
      : because ? `The disruption budget ${name} does not allow evicting pods currently (${condition.reason}): ${condition.message}`
      : `The disruption budget ${name} does not allow evicting pods currently`,
    );
  }
  const left = disruptionsAllowed - 1;
  const conditions = left > 0 ? status.conditions : status.conditions?.map((condition) =>
    condition.type === "DisruptionAllowed" ? { ...condition, status: "False", reason: "InsufficientPods", message: "", lastTransitionTime: now } : condition);
  return { ...budget, status: { ...status, disruptionsAllowed: left, disruptedPods: { ...status.disruptedPods, [pod]: now }, ...(conditions && { conditions }) } };
}
