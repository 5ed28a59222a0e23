import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { lookup } from "node:dns/promises";
import { join } from "node:path";
import { styleText } from "node:util";
import { pods, type Pod } from "../../api/generated/core-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import type { HttpTransport } from "../../client/http-transport.ts";
import { TypedClient } from "../../client/typed-client.ts";
import { importImage } from "../../cri/containerd/import-image.ts";
import { containerdPaths } from "../../cri/containerd/config.ts";
import { connectCri } from "../../cri/cri.ts";
import { every } from "../../stdx/clock.ts";
import { traceOf, type Step } from "../../stdx/steps.ts";
import { busyboxImage, nginxImage } from "../images/images.ts";
import { pathsOf, type ClusterSpec } from "../spec.ts";
import { stepLine } from "../timeline.ts";
import { adminTransport, stepsOf } from "./trace.ts";
import { bringUp, type UpOptions } from "./up.ts";

export interface DemoOptions {
  readonly up: UpOptions;
  /** Instead of nginx. */
  readonly image?: string;
  readonly print: (line: string) => void;
}

const podName = "nginx";
const runningMsMax = 120_000;
/** Steps of the agent arrive later than those of the server: a line waits for so long that lines come in the order in which things happened. */
const settleMs = 200;
/** How long docker.io may take to show that it is there. */
const registryMsMax = 3_000;

/** `keelson demo`: the way from `kubectl run` to a running container, each line printed when the step that it tells of is recorded. */
export async function runDemo({ up, image, print }: DemoOptions): Promise<number> {
  const { home, clock, progress, signal } = up;
  const title = (text: string) => print(`\n${styleText("bold", text)}`);

  title("A cluster");
  const { spec } = await bringUp(up);
  const paths = pathsOf(home, spec.name);
  using transport = await adminTransport(paths, clock);
  const client = new TypedClient(transport);
  await removeOldPod(client, up);
  const chosen = image ?? (await progress.step("Choosing an image", (note) => chooseImage(spec, up, note)));
  const kubectl = (...args: readonly string[]) => runKubectl(args, { kubeconfig: paths.adminKubeconfig, print, signal });
  const run = ["run", podName, `--image=${chosen}`, ...(chosen.startsWith("keelson.local/") ? ["--image-pull-policy=IfNotPresent"] : [])];

  title(`$ kubectl ${run.join(" ")}`);
  print("kubectl builds this Pod:");
  if ((await kubectl(...run, "--dry-run=client", "-o", "yaml")) !== 0) return 1;

  title("It is sent, and this happens:");
  const told = await tellSteps({ transport, client, kubectl: () => kubectl(...run), up, print });
  if (told !== 0) return told;

  for (const args of [["get", "pods", "-o", "wide"], ["logs", podName], ["exec", podName, "--", "sh", "-c", "hostname; cat /etc/resolv.conf; wget -qO- http://localhost/ | head -n 4"]]) {
    title(`$ kubectl ${args.join(" ")}`);
    if ((await kubectl(...args)) !== 0) return 1;
  }
  title("Next");
  print(`  kubectl --context keelson-${spec.name} get all -A\n  keelson trace pod/${podName} --cluster ${spec.name}\n  keelson down ${spec.name}`);
  return 0;
}

/** A demo that is run again starts from the beginning. */
async function removeOldPod(client: TypedClient, { clock, signal }: UpOptions): Promise<void> {
  const named = { name: podName, namespace: "default" };
  try {
    await client.delete(pods, named, { gracePeriodSeconds: 1, signal });
    for (;;) {
      await client.get(pods, named, { signal });
      await clock.sleep(20, { signal });
    }
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** nginx from docker.io where it answers; else an image made here and now, handed to the node's containerd without a registry. */
async function chooseImage(spec: ClusterSpec, { home, env, clock, signal }: UpOptions, note: (detail: string) => void): Promise<string> {
  if (spec.registryMirrors["docker.io"] !== undefined || (env["KEELSON_OFFLINE"] === undefined && (await answers("registry-1.docker.io", signal)))) {
    note("nginx from docker.io");
    return "nginx";
  }
  const cache = join(home, "images");
  mkdirSync(cache, { recursive: true });
  const tags = ["keelson.local/nginx:demo"];
  const built = await nginxImage({ cache, tags }).catch(async (error: unknown) => {
    note(`docker.io does not answer and nginx cannot be made (${error instanceof Error ? error.message : String(error)})`);
    return busyboxImage({ cache, tags });
  });
  await Promise.all(spec.nodes.map(async ({ name }) => {
    using cri = connectCri({ socket: containerdPaths(pathsOf(home, spec.name).node(name)).socket });
    await importImage({ cri, image: built, clock, signal });
  }));
  note(`docker.io does not answer; made ${tags[0]} from this machine's packages`);
  return tags[0] ?? "";
}

async function answers(host: string, signal: AbortSignal): Promise<boolean> {
  try {
    await lookup(host);
    const response = await fetch(`https://${host}/v2/`, { method: "HEAD", signal: AbortSignal.any([signal, AbortSignal.timeout(registryMsMax)]) });
    return response.status < 500;
  } catch {
    signal.throwIfAborted();
    return false; // No name, no route, no answer: for us it is not there.
  }
}

interface Telling {
  readonly transport: HttpTransport;
  readonly client: TypedClient;
  readonly kubectl: () => Promise<number>;
  readonly up: UpOptions;
  readonly print: (line: string) => void;
}

/** Follows the steps of all objects from before the request, and tells those of the pod as soon as its UID is known. */
async function tellSteps({ transport, client, kubectl, up, print }: Telling): Promise<number> {
  const done = new AbortController();
  const signal = AbortSignal.any([up.signal, done.signal, AbortSignal.timeout(runningMsMax)]);
  const early: Step[] = [];
  let trace: string | undefined;
  let originMs: number | undefined;
  let held: Step[] = [];
  const tell = (untilMs: number) => {
    const due = held.filter(({ endMs }) => endMs <= untilMs).toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
    held = held.filter(({ endMs }) => endMs > untilMs);
    for (const step of due) print(stepLine(step, (originMs ??= step.startMs)));
  };
  using _ticking = every(settleMs / 4, () => tell(up.clock.now() - settleMs));
  const following = (async () => {
    for await (const step of stepsOf(transport, { follow: true, signal })) {
      if (trace === undefined) early.push(step);
      else if (step.trace === trace) held.push(step);
    }
  })();
  following.catch(() => {}); // Ends with `done`; an end before that is seen below, when the pod does not come to run.

  const exitCode = await kubectl();
  if (exitCode !== 0) {
    done.abort();
    return exitCode;
  }
  const created = await client.get(pods, { name: podName, namespace: "default" }, { signal });
  trace = traceOf(created.metadata.uid ?? "");
  held.push(...early.filter((step) => step.trace === trace));

  try {
    const pod = await running(client, created, signal);
    // The steps that the agent recorded last are on their way.
    await up.clock.sleep(300, { signal });
    tell(Infinity);
    print(`The pod is Running at ${pod.status?.podIP ?? "no address"}.`);
    return 0;
  } catch (error) {
    up.signal.throwIfAborted();
    tell(Infinity);
    print(`The pod does not come to run: ${error instanceof Error ? error.message : String(error)}. \`kubectl describe pod ${podName}\` may say why.`);
    return 1;
  } finally {
    done.abort();
  }
}

async function running(client: TypedClient, created: Pod, signal: AbortSignal): Promise<Pod> {
  const isReady = ({ status }: Pod) => status?.phase === "Running" && (status.containerStatuses ?? []).every(({ ready }) => ready);
  using watch = client.watch(pods, { namespace: "default", fieldSelector: `metadata.name=${podName}`, resourceVersion: created.metadata.resourceVersion ?? "0", signal });
  for await (const event of watch) {
    if (event.type === "DELETED") throw new Error("it was deleted");
    if ((event.type === "ADDED" || event.type === "MODIFIED") && isReady(event.object)) return event.object;
  }
  throw new Error("the watch ended");
}

/** Our own kubectl, as a process of its own: what is shown is what a user would see. */
function runKubectl(args: readonly string[], { kubeconfig, print, signal }: { readonly kubeconfig: string; readonly print: (line: string) => void; readonly signal: AbortSignal }): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [process.argv[1] ?? "", "kubectl", ...args], { env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: ["ignore", "pipe", "pipe"], signal });
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) print(`  ${line}`);
      }).on("end", () => rest !== "" && print(`  ${rest}`));
    }
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}
