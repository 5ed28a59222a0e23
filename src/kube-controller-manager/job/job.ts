import { jobs, type Job, type JobStatus } from "../../api/generated/batch-v1.ts";
import { pods, type Pod, type PodTemplateSpec } from "../../api/generated/core-v1.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { controllerOf, keyOf } from "../../apimachinery/object.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { cacheOf, ownerKeys, watching, type Context, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";
import { claim, indexOrphans } from "../shared/claim.ts";
import { createPod, deletePod, podFor } from "../shared/pod-control.ts";
import { isFinished } from "../shared/pods.ts";
import { allOf, slowStart } from "../shared/slow-start.ts";
import { indexAnnotation, isIndexed } from "./completion-index.ts";
import { countedStatus, isFinishedJob, isTracked, planJob, trackingFinalizer, type PlannedIndex } from "./plan.ts";

/**
 * Runs pods to their end. No end is lost or counted twice: a finalizer keeps each pod until its UID is in `uncountedTerminatedPods`; then the finalizer goes, and then the UID becomes part of
 * the counts, each step one compare-and-set.
 */
export const jobController: Controller = {
  name: "job-controller",
  resource: jobs,
  owns: [pods],
  watches: [watching(pods, ({ next }, context) => (next && !controllerOf(next) && next.metadata.deletionTimestamp === undefined
    ? cacheOf(context, jobs).inNamespace(next.metadata.namespace ?? "").filter(({ spec }) => matchesLabels(labelMatcherOf(spec?.selector), next.metadata.labels)).map(keyOf)
    // The pod of a Job that is gone must not be held by our finalizer.
    : []))],

  prepare(context) {
    indexOrphans(context, pods);
  },

  async reconcile(key, context) {
    const { clock, signal } = context;
    const job = cacheOf(context, jobs).get(key);
    const managedBy = job?.spec?.managedBy ?? "kubernetes.io/job-controller";
    if (job && managedBy !== "kubernetes.io/job-controller") return;
    if (!job || isFinishedJob(job)) return releaseAll(key, job, context);
    await claim({ owner: job, ownerType: jobs, type: pods, selector: labelMatcherOf(job.spec?.selector), eligible: (pod) => !isFinished(pod) }, context);

    const plan = planJob(job, ownPods(job, context), clock.now());
    const written = await writeStatus(job, plan.status, context);
    if (plan.suspension) context.events.event(job, "Normal", plan.suspension, plan.suspension === "Suspended" ? "Job suspended" : "Job resumed");
    const failure = await act(written, plan.create, plan.indexes, plan.remove, context).then(() => undefined, (error: unknown) => error as Error);
    signal.throwIfAborted();

    const uncounted = new Set([...(written.status?.uncountedTerminatedPods?.succeeded ?? []), ...(written.status?.uncountedTerminatedPods?.failed ?? [])]);
    await allOf(ownPods(job, context).filter((pod) => isTracked(pod) && (uncounted.has(pod.metadata.uid ?? "") || plan.ignored.some(({ metadata }) => metadata.uid === pod.metadata.uid))).map((pod) => release(pod, context)));
    const status = countedStatus(written, ownPods(job, context), plan.ending, clock.now());
    const finished = await writeStatus(written, status, context);
    if (isFinishedJob(finished)) {
      const failed = plan.ending?.type === "FailureTarget";
      context.events.event(job, failed ? "Warning" : "Normal", failed ? plan.ending.reason : "Completed", failed ? plan.ending.message : "Job completed");
      context.tracer.mark(job.metadata.uid ?? "", failed ? "job failed" : "job completed");
    }
    if (failure) throw failure;
    return plan.againMs;
  },
};

const ownPods = (job: Job, context: Context): Pod[] => cacheOf(context, pods).controlledBy(job.metadata.uid ?? "");

async function writeStatus(job: Job, status: JobStatus, { client, signal }: Context): Promise<Job> {
  return equal(status, job.status ?? {}) ? job : client.updateStatus(jobs, { ...job, status }, { signal });
}

async function act(job: Job, create: number, indexes: readonly PlannedIndex[], remove: readonly Pod[], context: Context): Promise<void> {
  await slowStart(create, async (at) => void (await createPod(job, podOf(job, indexes[at]), context)));
  await allOf(remove.map((pod) => deletePod(job, pod, context)));
}

function podOf(job: Job, planned: PlannedIndex | undefined): Pod {
  const template: PodTemplateSpec = job.spec?.template ?? {};
  const finalizers = [...(template.metadata?.finalizers ?? []), trackingFinalizer];
  if (!planned || !isIndexed(job)) return podFor(job, template, { finalizers });
  const { index } = planned;
  const { name = "" } = job.metadata;
  const env = { name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: `metadata.labels['${indexAnnotation}']` } } };
  const withIndex = <C extends { readonly env?: readonly { readonly name: string }[] }>(container: C): C =>
    (container.env?.some((each) => each.name === env.name) ? container : { ...container, env: [...(container.env ?? []), env] });
  const { spec, metadata } = template;
  const pod = podFor(job, template, {
    generateName: `${name.slice(0, 57)}-${index}-`, finalizers,
    labels: { ...metadata?.labels, [indexAnnotation]: String(index) }, annotations: { ...metadata?.annotations, [indexAnnotation]: String(index), ...planned.annotations },
  });
  if (!spec) return pod;
  return { ...pod, spec: { ...spec, hostname: `${name}-${index}`.slice(0, 63), containers: spec.containers.map(withIndex), ...(spec.initContainers && { initContainers: spec.initContainers.map(withIndex) }) } };
}

async function release({ metadata: { name = "", namespace = "", uid, resourceVersion, finalizers = [] } }: Pod, { client, signal }: Context): Promise<void> {
  try {
    await client.patch(pods, { name, namespace }, "application/merge-patch+json", { metadata: { uid, resourceVersion, finalizers: finalizers.filter((each) => each !== trackingFinalizer) } }, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Pods of a Job that is over or gone are free to go. */
async function releaseAll(key: string, job: Job | undefined, context: Context): Promise<void> {
  const left = job ? ownPods(job, context) : cacheOf(context, pods).inNamespace(key.split("/")[0] ?? "").filter((pod) => ownerKeys(jobs, pod).includes(key));
  await allOf(left.filter(isTracked).map((pod) => release(pod, context)));
}
