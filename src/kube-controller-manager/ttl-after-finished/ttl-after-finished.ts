import { jobs, type Job } from "../../api/generated/batch-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { timeMs } from "../../apimachinery/time.ts";
import { cacheOf, type Controller } from "../../client/controller.ts";

/** Milliseconds until a finished Job has been kept long enough; undefined when it stays. */
export function expiresInMs({ spec, status, metadata }: Job, nowMs: number): number | undefined {
  const end = status?.conditions?.find((condition) => (condition.type === "Complete" || condition.type === "Failed") && condition.status === "True");
  if (spec?.ttlSecondsAfterFinished === undefined || !end || metadata.deletionTimestamp !== undefined) return undefined;
  return Math.max((timeMs(end.lastTransitionTime) ?? nowMs) + spec.ttlSecondsAfterFinished * 1000 - nowMs, 0);
}

/** Deletes finished Jobs whose `ttlSecondsAfterFinished` is over, with all that they made. */
export const ttlAfterFinishedController: Controller = {
  name: "ttl-after-finished-controller",
  resource: jobs,

  async reconcile(key, context) {
    const { client, clock, signal } = context;
    const job = cacheOf(context, jobs).get(key);
    const waitMs = job && expiresInMs(job, clock.now());
    if (!job || waitMs === undefined || waitMs > 0) return waitMs;
    const { name = "", namespace = "", uid = "" } = job.metadata;
    try {
      await client.delete(jobs, { name, namespace }, { propagationPolicy: "Foreground", preconditions: { uid }, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  },
};
