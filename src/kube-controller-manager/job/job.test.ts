import assert from "node:assert/strict";
import { test } from "node:test";
import { jobs, type Job, type JobSpec } from "../../api/generated/batch-v1.ts";
import { pods, type Pod } from "../../api/generated/core-v1.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { ttlAfterFinishedController } from "../ttl-after-finished/ttl-after-finished.ts";
import { World } from "../testing/world.ts";
import { formatIndexes, parseIndexes } from "./indexes.ts";
import { jobController } from "./job.ts";
import { metSuccessPolicy } from "./success-policy.ts";
import { indexOf } from "./completion-index.ts";

const at = { name: "j", namespace: "default" };
const job = (spec: Partial<JobSpec> = {}): Job => ({
  apiVersion: "batch/v1", kind: "Job", metadata: at,
  spec: { parallelism: 1, completions: 1, backoffLimit: 6, selector: { matchLabels: { job: "j" } }, template: { metadata: { labels: { job: "j" } }, spec: { restartPolicy: "Never", containers: [{ name: "c" }] } }, ...spec },
});
const ends = (phase: "Succeeded" | "Failed") => (world: World): Pod["status"] => ({ phase, containerStatuses: [{ name: "c", restartCount: 0, ready: false, image: "", imageID: "", state: { terminated: { exitCode: phase === "Failed" ? 3 : 0, finishedAt: formatTime(world.clock.now()) } } }] });

async function end(world: World, phase: (pod: Pod) => "Succeeded" | "Failed"): Promise<number> {
  const running = (await world.client.list(pods)).items.filter(({ status, metadata }) => !status?.phase && !metadata.deletionTimestamp);
  for (const pod of running) await world.client.updateStatus(pods, { ...pod, status: ends(phase(pod))(world) ?? {} });
  await world.pass();
  return running.length;
}
const shown = async (world: World) => {
  const { status } = await world.client.get(jobs, at);
  return [status?.active ?? 0, status?.succeeded ?? 0, status?.failed ?? 0, status?.conditions?.filter((each) => each.status === "True").map(({ type, reason }) => `${type}:${reason}`).join(" ") ?? ""];
};

test("as many as asked for, as many at once as allowed, each counted once", async () => {
  using world = new World([jobController, ttlAfterFinishedController]);
  await world.client.create(jobs, job({ parallelism: 2, completions: 5, ttlSecondsAfterFinished: 60 }));
  await world.pass(100);
  const rounds: number[] = [];
  for (let round = 0; round < 3; round++) rounds.push(await end(world, () => "Succeeded"));
  assert.deepEqual(rounds, [2, 2, 1]);
  assert.deepEqual(await shown(world), [0, 5, 0, "SuccessCriteriaMet:CompletionsReached Complete:CompletionsReached"]);
  assert.ok((await world.client.list(pods)).items.every(({ metadata }) => (metadata.finalizers ?? []).length === 0));
  await world.pass(61_000);
  assert.ok((await world.client.get(jobs, at)).metadata.deletionTimestamp);
  assert.deepEqual(world.errors, []);
});

test("failures are tried again, ever later, up to the limit", async () => {
  using world = new World([jobController]);
  await world.client.create(jobs, job({ backoffLimit: 2 }));
  await world.pass(100);
  const startMs = world.clock.now();
  const startedS: number[] = [];
  for (let second = 0; second < 60; second++) {
    if ((await end(world, () => "Failed")) > 0) startedS.push(Math.round((world.clock.now() - startMs) / 1000));
    await world.pass(1000);
  }
  assert.deepEqual(startedS, [0, 10, 30]);
  assert.deepEqual(await shown(world), [0, 0, 3, "FailureTarget:BackoffLimitExceeded Failed:BackoffLimitExceeded"]);
});

test("indexes: each completes once; a failed one is started again", async () => {
  using world = new World([jobController]);
  await world.client.create(jobs, job({ completionMode: "Indexed", completions: 3, parallelism: 3 }));
  await world.pass(100);
  const first = (await world.client.list(pods)).items;
  assert.deepEqual(first.map((pod) => [indexOf(pod), pod.spec?.hostname]), [[0, "j-0"], [1, "j-1"], [2, "j-2"]]);
  await end(world, (pod) => (indexOf(pod) === 1 ? "Failed" : "Succeeded"));
  assert.equal((await world.client.get(jobs, at)).status?.completedIndexes, "0,2");
  await world.pass(11_000);
  await end(world, () => "Succeeded");
  assert.equal((await world.client.get(jobs, at)).status?.completedIndexes, "0-2");
  assert.deepEqual(await shown(world), [0, 3, 1, "SuccessCriteriaMet:CompletionsReached Complete:CompletionsReached"]);
});

test("suspended, resumed, out of time", async () => {
  using world = new World([jobController]);
  await world.client.create(jobs, job({ suspend: true, activeDeadlineSeconds: 30 }));
  await world.pass(60_000);
  assert.deepEqual(await shown(world), [0, 0, 0, "Suspended:JobSuspended"]);
  const made = await world.client.get(jobs, at);
  await world.client.update(jobs, { ...made, spec: { ...(made.spec as JobSpec), suspend: false } });
  await world.pass(29_000);
  assert.deepEqual(await shown(world), [1, 0, 0, ""]);
  await world.pass(2_000);
  assert.deepEqual(await shown(world), [0, 0, 1, "FailureTarget:DeadlineExceeded Failed:DeadlineExceeded"]);
});

test("rules for failures: ignored ones do not count, others end the job", async () => {
  using world = new World([jobController]);
  await world.client.create(jobs, job({ backoffLimit: 0, podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [3] } }] } }));
  await world.pass(100);
  await end(world, () => "Failed");
  assert.deepEqual((await shown(world))[3], "FailureTarget:PodFailurePolicy Failed:PodFailurePolicy");
});

test("failures limited per index: each is tried again for itself, and those that are used up do not stop the others", async () => {
  using world = new World([jobController]);
  await world.client.create(jobs, job({ completionMode: "Indexed", completions: 3, parallelism: 3, backoffLimit: 2_147_483_647, backoffLimitPerIndex: 1 }));
  await world.pass(100);
  const counts = async () => (await world.client.list(pods)).items.filter(({ status }) => !status?.phase).map((pod) => [indexOf(pod), pod.metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"]]);
  assert.deepEqual(await counts(), [[0, "0"], [1, "0"], [2, "0"]]);
  await end(world, (pod) => (indexOf(pod) === 1 ? "Failed" : "Succeeded"));
  // The failed pod holds the count of its index until the next one has it.
  assert.deepEqual(await shown(world), [0, 2, 0, ""]);
  assert.equal((await world.client.get(jobs, at)).status?.failedIndexes, "");
  await world.pass(11_000);
  assert.deepEqual(await counts(), [[1, "1"]]);
  assert.deepEqual(await shown(world), [1, 2, 1, ""]);
  await end(world, () => "Failed");
  assert.deepEqual(await shown(world), [0, 2, 2, "FailureTarget:FailedIndexes Failed:FailedIndexes"]);
  const { status } = await world.client.get(jobs, at);
  assert.deepEqual([status?.completedIndexes, status?.failedIndexes], ["0,2", "1"]);
  assert.ok((await world.client.list(pods)).items.every(({ metadata }) => (metadata.finalizers ?? []).length === 0));
  assert.deepEqual(world.errors, []);
});

test("more failed indexes than allowed end the job, and so does a rule that fails an index", async () => {
  using world = new World([jobController]);
  const spec = { completionMode: "Indexed", completions: 4, parallelism: 2, backoffLimit: 2_147_483_647, backoffLimitPerIndex: 5, maxFailedIndexes: 0 } as const;
  await world.client.create(jobs, job({ ...spec, podFailurePolicy: { rules: [{ action: "FailIndex", onExitCodes: { operator: "In", values: [3] } }] } }));
  await world.pass(100);
  const running = (await world.client.list(pods)).items.find((pod) => indexOf(pod) === 0);
  assert.ok(running);
  await world.client.updateStatus(pods, { ...running, status: ends("Failed")(world) ?? {} });
  await world.pass();
  const { status } = await world.client.get(jobs, at);
  assert.deepEqual([status?.failedIndexes, status?.conditions?.find(({ type }) => type === "FailureTarget")?.reason], ["0", "MaxFailedIndexesExceeded"]);
  assert.ok((await world.client.list(pods)).items.filter((pod) => indexOf(pod) === 1).every(({ metadata }) => metadata.deletionTimestamp), "what still runs is stopped");
});

test("an ignored failure counts for the delay of its index, not for its limit", async () => {
  using world = new World([jobController]);
  await world.client.create(jobs, job({
    completionMode: "Indexed", backoffLimit: 2_147_483_647, backoffLimitPerIndex: 0, podFailurePolicy: { rules: [{ action: "Ignore", onExitCodes: { operator: "In", values: [3] } }] },
  }));
  await world.pass(100);
  await end(world, () => "Failed");
  await world.pass(11_000);
  const next = (await world.client.list(pods)).items.find(({ status }) => !status?.phase);
  assert.deepEqual([next?.metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"], next?.metadata.annotations?.["batch.kubernetes.io/job-index-ignored-failure-count"]], ["0", "1"]);
  assert.deepEqual(await shown(world), [1, 0, 0, ""]);
});

test("a job is a success when its own rules say so, whatever still runs", async () => {
  using world = new World([jobController]);
  await world.client.create(jobs, job({ completionMode: "Indexed", completions: 5, parallelism: 2, successPolicy: { rules: [{ succeededIndexes: "3,4" }, { succeededIndexes: "0-2", succeededCount: 1 }] } }));
  await world.pass(100);
  const [first] = (await world.client.list(pods)).items;
  assert.ok(first);
  await world.client.updateStatus(pods, { ...first, status: ends("Succeeded")(world) ?? {} });
  await world.pass();
  assert.ok((await world.client.list(pods)).items.filter((pod) => indexOf(pod) !== 0).every(({ metadata }) => metadata.deletionTimestamp), "what still runs is stopped");
  assert.equal((await shown(world))[3], "SuccessCriteriaMet:SuccessPolicy Complete:SuccessPolicy");
  const { status } = await world.client.get(jobs, at);
  assert.deepEqual([status?.conditions?.find(({ type }) => type === "Complete")?.message, status?.completedIndexes], ["Matched rules at index 1", "0"]);
});

test("rules of success", () => {
  const met = (rules: NonNullable<JobSpec["successPolicy"]>["rules"], done: readonly number[]) => metSuccessPolicy(job({ completions: 5, successPolicy: { rules } }), new Set(done));
  assert.equal(met([{ succeededCount: 2 }], [1]), undefined);
  assert.equal(met([{ succeededCount: 2 }], [1, 4]), "Matched rules at index 0");
  assert.equal(met([{ succeededIndexes: "0,2-3" }], [0, 2]), undefined);
  assert.equal(met([{ succeededIndexes: "7" }, { succeededIndexes: "0,2-3" }], [0, 1, 2, 3]), "Matched rules at index 1", "indexes that there are none of are no rule");
  assert.equal(met([{ succeededIndexes: "0,2-3", succeededCount: 1 }], [1]), undefined);
  assert.equal(met([{ succeededIndexes: "0,2-3", succeededCount: 1 }], [3]), "Matched rules at index 0");
});

test("lists of indexes", () => {
  for (const text of ["", "0", "0,1", "0-2", "1,3-5,7"]) assert.equal(formatIndexes(parseIndexes(text, 100)), text);
  assert.equal(formatIndexes(parseIndexes("1-9", 4)), "1-3");
});
