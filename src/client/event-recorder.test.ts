import assert from "node:assert/strict";
import { test } from "node:test";
import { events, type Pod } from "../api/generated/core-v1.ts";
import { silentLog } from "../stdx/log.ts";
import { EventRecorder } from "./event-recorder.ts";
import { FakeTransport } from "./testing/fake-transport.ts";
import { ManualClock, settle } from "./testing/manual-clock.ts";
import { TypedClient } from "./typed-client.ts";

const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default", uid: "u1" }, spec: { containers: [] } };

function world() {
  const clock = new ManualClock();
  const client = new TypedClient(new FakeTransport({ clock }));
  const stop = new AbortController();
  const recorder = new EventRecorder({ client, clock, log: silentLog, component: "kubelet", host: "n1", signal: stop.signal });
  const written = async () => {
    await settle();
    return (await client.list(events, { namespace: "default" })).items.map(({ reason, message, count }) => `${reason} ${message} x${count}`);
  };
  return { clock, recorder, written, stop };
}

test("the same event again is counted, others are written", async () => {
  const { recorder, written, stop, clock } = world();
  recorder.event(pod, "Normal", "Pulled", "pulled a");
  recorder.event(pod, "Normal", "Pulled", "pulled a");
  await clock.advance(5000);
  recorder.event(pod, "Normal", "Pulled", "pulled a");
  recorder.event(pod, "Normal", "Pulled", "pulled b");
  assert.deepEqual(await written(), ["Pulled pulled a x3", "Pulled pulled b x1"]);
  stop.abort();
});

test("many that differ only in their message are combined, and a flood ends at 25", async () => {
  const { recorder, written, stop } = world();
  for (let each = 0; each < 40; each++) recorder.event(pod, "Warning", "BackOff", `m${each}`);
  const all = await written();
  assert.equal(all.length, 10);
  assert.equal(all.at(-1), "BackOff (combined from similar events): m24 x16");
  stop.abort();
});
