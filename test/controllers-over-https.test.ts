/** The controller manager as a process of its own would run it: all its watches and writes over HTTP/2 with a client certificate. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deployments } from "../src/api/generated/apps-v1.ts";
import { pods } from "../src/api/generated/core-v1.ts";
import { Informers } from "../src/client/informers.ts";
import { TypedClient } from "../src/client/typed-client.ts";
import { runControllerManager } from "../src/kube-controller-manager/run.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog, type Log } from "../src/stdx/log.ts";
import { seededRandom } from "../src/stdx/random.ts";
import { startTestServer } from "./api-server/fixture.ts";

test("a Deployment's pods are made and collected over HTTPS, by an elected leader", async () => {
  await using server = await startTestServer();
  const stop = new AbortController();
  const { signal } = stop;
  const problems: string[] = [];
  const log: Log = { ...silentLog, warn: (message, fields) => void problems.push(`${message} ${JSON.stringify({ ...fields, error: String(fields?.["error"]) })}`), with: () => log };
  const client = new TypedClient(server.http, { fieldManager: "test" });
  const common = { client, clock: systemClock, random: seededRandom(1), log, signal };
  const manager = runControllerManager({ ...common, steps: server.steps, options: { rootCa: "PEM" }, leaderElection: { identity: "test" } });
  manager.catch(() => undefined);

  const informer = new Informers(common).of(pods);
  const count = (wanted: number) => {
    const reached = Promise.withResolvers<void>();
    const listener = informer.cache.onChange(() => {
      if (informer.cache.size === wanted) reached.resolve();
    });
    AbortSignal.timeout(20_000).addEventListener("abort", () => reached.reject(new Error(`there are ${informer.cache.size} pods, not ${wanted}\n${problems.join("\n")}`)));
    return reached.promise.finally(() => listener[Symbol.dispose]());
  };
  const all = count(5);
  const labels = { app: "web" };
  await client.create(deployments, {
    apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace: "default" },
    spec: { replicas: 5, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "a" }] } } },
  });
  await all;
  const none = count(0);
  await client.delete(deployments, { name: "web", namespace: "default" }, { propagationPolicy: "Background" });
  await none;

  stop.abort(new Error("the test is over"));
  await manager.catch(() => undefined);
  assert.deepEqual(problems, []);
  assert.deepEqual(server.complaints, []);
});
