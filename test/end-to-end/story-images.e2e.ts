// The story, line 6: an image that does not exist, told in upstream's words, and mended in place.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ContainerState, Event, Pod } from "../../src/api/generated/core-v1.ts";
import { TestCluster, until } from "../support/cluster.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start({ images: ["busybox", "redis"] });
});
after(() => cluster?.[Symbol.asyncDispose]());

const podNamed = (name: string): Promise<Pod> => cluster.get<Pod>("pod", name);
const stateOf = async (pod: string): Promise<ContainerState> => (await podNamed(pod)).status?.containerStatuses?.[0]?.state ?? {};
const eventsOf = async (pod: string): Promise<readonly Event[]> =>
  (await cluster.get<{ readonly items: readonly Event[] }>("events", "--field-selector", `involvedObject.name=${pod}`)).items;

test("6. ErrImagePull, then ImagePullBackOff with growing delays; kubectl set image mends the same pod", async () => {
  const manifest = `
apiVersion: v1
kind: Pod
metadata:
  name: redis
spec:
  containers:
  - name: redis
    image: redis123
`;
  assert.equal(await cluster.apply(manifest), "pod/redis created\n");
  await using watch = cluster.start("get", "pod", "redis", "--watch");
  await watch.expect(/redis +0\/1 +ImagePullBackOff +0 /);
  const backOff = await until("waiting with ImagePullBackOff", async () => {
    const { waiting } = await stateOf("redis");
    return waiting?.reason === "ImagePullBackOff" && waiting;
  });
  assert.match(backOff.message ?? "", /^Back-off pulling image "redis123"/);
  const { metadata: { uid }, status } = await podNamed("redis");
  assert.equal(status?.phase, "Pending");

  // Tried again after 10 s, then 20 s: three failed pulls tell that the delay grows.
  const reasons = async () => (await eventsOf("redis")).map(({ reason, message, count }) => ({ reason, message: message ?? "", count: count ?? 1 }));
  const pulls = await until("a second try", async () => {
    const pulling = (await reasons()).find(({ reason }) => reason === "Pulling");
    return pulling && pulling.count >= 2 && pulling;
  });
  assert.equal(pulls.message, 'Pulling image "redis123"');
  await watch.expect(/ErrImagePull/);
  const failed = (await reasons()).filter(({ reason }) => reason === "Failed").map(({ message }) => message);
  assert.ok(failed.some((message) => message.startsWith('Failed to pull image "redis123": ')), failed.join("\n"));
  assert.ok(failed.includes("Error: ErrImagePull"), failed.join("\n"));
  assert.ok(failed.includes("Error: ImagePullBackOff"), failed.join("\n"));
  assert.ok((await reasons()).some(({ reason, message }) => reason === "BackOff" && message === 'Back-off pulling image "redis123"'));
  const described = await cluster.kubectl("describe", "pod", "redis");
  assert.match(described, /Warning +Failed +.*kubelet +spec\.containers\{redis\}: Failed to pull image "redis123": .*not found/);
  assert.match(described, /Normal +BackOff +.*kubelet +spec\.containers\{redis\}: Back-off pulling image "redis123"/);

  assert.equal(await cluster.kubectl("set", "image", "pod/redis", "redis=redis"), "pod/redis image updated\n");
  await cluster.ready("redis");
  const running = await podNamed("redis");
  assert.equal(running.metadata.uid, uid);
  assert.equal(running.status?.containerStatuses?.[0]?.restartCount, 0);
  assert.equal((await cluster.try(["exec", "-i", "redis", "--", "redis-cli"], { input: "set story told\nget story\n" })).stdout, "OK\ntold\n");
  await cluster.clear();
});

test("imagePullPolicy Never and IfNotPresent; a name that is none", async () => {
  await cluster.kubectl("run", "never", "--image=library/absent:1", "--image-pull-policy=Never");
  const never = await until("ErrImageNeverPull", async () => {
    const { waiting } = await stateOf("never");
    return waiting?.reason === "ErrImageNeverPull" && waiting;
  });
  assert.equal(never.message, 'Container image "library/absent:1" is not present with pull policy of Never');
  await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "invalid" }, spec: { containers: [{ name: "c", image: "UPPER/Case:1" }] } });
  await until("InvalidImageName", async () => (await stateOf("invalid")).waiting?.reason === "InvalidImageName");
  await cluster.kubectl("run", "present", "--image=busybox", "--image-pull-policy=IfNotPresent", "--command", "--", "sleep", "1000");
  await cluster.ready("present");
  await cluster.kubectl("run", "again", "--image=busybox", "--image-pull-policy=IfNotPresent", "--command", "--", "sleep", "1000");
  await cluster.ready("again");
  await until("the event is there", async () => (await eventsOf("again")).some(({ message }) => message === 'Container image "busybox" already present on machine and can be accessed by the pod'));
  await cluster.clear();
});
