import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import type { Random } from "../../stdx/random.ts";
import type { Pod, Secret } from "../../api/generated/core-v1.ts";
import type { Mount, PodSandboxConfig } from "../../cri/generated/cri-v1.ts";
import type { Input } from "../../stdx/grpc.ts";
import { containerConfig } from "../containers/config.ts";
import { environment, environmentReferences, type EnvironmentSources } from "../containers/environment.ts";
import { runHook } from "../containers/hooks.ts";
import { killContainer } from "../containers/kill.ts";
import { serviceEnvironment } from "../containers/service-environment.ts";
import { StartError } from "../containers/start-error.ts";
import type { PresentImage } from "../images/image-puller.ts";
import { identityOf, podDir, podLogDir } from "../paths.ts";
import { latestContainer, type RuntimePod } from "../runtime/runtime-pod.ts";
import { hostsFile } from "../sandbox/hosts.ts";
import { containerMounts } from "../volumes/mounts.ts";
import type { MountedVolume } from "../volumes/volumes.ts";
import type { PodContext } from "./context.ts";
import { gracePeriodSecondsOf, namespaceOf, specOf, uidOf, type NamedContainer } from "./pod.ts";

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Everything that a container's environment comes from, read at once. */
export async function readSources(context: PodContext, pod: Pod, { container }: NamedContainer, signal: AbortSignal): Promise<EnvironmentSources> {
  const { configMaps, secrets } = environmentReferences(container);
  const read = async <T>(names: ReadonlySet<string>, get: (name: string) => Promise<T | undefined>): Promise<ReadonlyMap<string, T | undefined>> =>
    new Map(await Promise.all([...names].map(async (name): Promise<[string, T | undefined]> => [name, await get(name)])));
  const [services, configMapByName, secretByName] = await Promise.all([
    context.services(signal),
    read(configMaps, (name) => context.configMap(pod, name)),
    read(secrets, (name) => context.secret(pod, name)),
  ]);
  return { configMaps: configMapByName, secrets: secretByName, services: serviceEnvironment(services, namespaceOf(pod), specOf(pod).enableServiceLinks !== false) };
}

/** Secrets with credentials for pulling; those that are missing are told and left out. */
export async function pullSecrets(context: PodContext, pod: Pod): Promise<readonly Secret[]> {
  const names = (specOf(pod).imagePullSecrets ?? []).flatMap(({ name }) => name ?? []);
  const found = await Promise.all(names.map(async (name) => ({ name, secret: await context.secret(pod, name) })));
  const missing = found.filter(({ secret }) => !secret).map(({ name }) => name);
  if (missing.length > 0) {
    context.events.event(pod, "Warning", "FailedToRetrieveImagePullSecret", `Unable to retrieve some image pull secrets (${missing.join(", ")}); attempting to pull the image may not succeed.`);
  }
  return found.flatMap(({ secret }) => secret ?? []);
}

/** How often this container was started: one more than the runtime remembers, else what its logs tell. */
function restartCountOf(runtime: RuntimePod, name: string, logDir: string): number {
  const latest = latestContainer(runtime, name);
  if (latest) return latest.restartCount + 1;
  if (!existsSync(logDir)) return 0;
  const numbers = readdirSync(logDir).flatMap((file) => /^([0-9]+)\.log/.exec(file)?.[1] ?? []).map(Number);
  return numbers.length === 0 ? 0 : Math.max(...numbers) + 1;
}

export interface StartOptions {
  readonly pod: Pod;
  readonly named: NamedContainer;
  readonly runtime: RuntimePod;
  readonly sandboxId: string;
  readonly sandboxConfig: Input<PodSandboxConfig>;
  readonly podIps: readonly string[];
  readonly image: Promise<PresentImage>;
  readonly sources: Promise<EnvironmentSources>;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/**
 * Files that the kubelet gives a container beside its volumes: /etc/hosts, and where it leaves its last words. Written at once: each takes a tenth of the time
 * that it takes to wait for a thread of Node's pool, while the container waits.
 */
function ownMounts(context: PodContext, { pod, named: { container }, podIps, random }: StartOptions, taken: ReadonlySet<string>): readonly Input<Mount>[] {
  const { paths, node } = context;
  const dir = podDir(paths, pod);
  const containerDir = `${dir}/containers/${container.name}`;
  mkdirSync(containerDir, { recursive: true, mode: 0o750 });
  const mounts: Input<Mount>[] = [];
  if (!taken.has("/etc/hosts")) {
    const file = `${dir}/etc-hosts`;
    writeFileSync(file, hostsFile(pod, { podIps, clusterDomain: node.clusterDomain, nodeHosts: node.nodeHosts() }), { mode: 0o644 });
    mounts.push({ containerPath: "/etc/hosts", hostPath: file, readonly: false });
  }
  const { terminationMessagePath = "" } = container;
  if (terminationMessagePath !== "") {
    const file = `${containerDir}/${random.below(2 ** 32).toString(16).padStart(8, "0")}`;
    writeFileSync(file, "");
    chmodSync(file, 0o666); // Whatever the process's umask: the container's user may be anybody.
    mounts.push({ containerPath: terminationMessagePath, hostPath: file, readonly: false });
  }
  return mounts;
}

async function createContainer(context: PodContext, options: StartOptions, image: PresentImage, restartCount: number): Promise<string> {
  const { cri, events, paths, node, tracer } = context;
  const { pod, named, runtime, sandboxId, sandboxConfig, podIps, volumes, signal } = options;
  const { container, fieldPath } = named;
  const failed = (reason: string, error: unknown): StartError => {
    signal.throwIfAborted();
    const message = messageOf(error);
    events.event(pod, "Warning", "Failed", `Error: ${message}`, { fieldPath });
    return new StartError(reason, message, { cause: error });
  };
  let config;
  try {
    const target = specOf(pod).ephemeralContainers?.find(({ name }) => name === container.name)?.targetContainerName;
    const targetId = target === undefined || target === "" ? undefined : latestContainer(runtime, target)?.id;
    if (target !== undefined && target !== "" && targetId === undefined) throw new Error(`unable to find target container ${target}`);
    const facts = { nodeName: node.nodeName, nodeIps: node.nodeIps, podIps, allocatable: node.allocatable };
    const variables = environment(pod, container, await options.sources, facts);
    const volumeMounts = await containerMounts(pod, container, volumes, variables);
    const own = ownMounts(context, options, new Set(volumeMounts.map(({ containerPath = "" }) => containerPath)));
    mkdirSync(`${podLogDir(paths, identityOf(pod))}/${container.name}`, { recursive: true, mode: 0o755 });
    config = containerConfig({
      pod, container, restartCount, image, environment: variables, mounts: [...volumeMounts, ...own], node: node.resources, seccompDir: paths.seccompDir,
      ...(targetId !== undefined && { target: targetId }),
    });
  } catch (error) {
    throw failed("CreateContainerConfigError", error);
  }
  const done = tracer.start(uidOf(pod), "created container");
  try {
    const { containerId } = await cri.createContainer({ podSandboxId: sandboxId, config, sandboxConfig }, { signal });
    done({ container: container.name, id: containerId.slice(0, 12), attempt: restartCount });
    events.event(pod, "Normal", "Created", "Container created", { fieldPath });
    return containerId;
  } catch (error) {
    throw failed("CreateContainerError", error);
  }
}

/** From image to running process, with the hook after it; the container's id. @throws StartError with what the status is to show */
export async function startContainer(context: PodContext, options: StartOptions): Promise<string> {
  const { cri, clock, events, log, paths, tracer } = context;
  const { pod, named, runtime, podIps, signal } = options;
  const { container, fieldPath } = named;
  let image: PresentImage;
  try {
    image = await options.image;
  } catch (error) {
    if (error instanceof StartError) events.event(pod, "Warning", "Failed", `Error: ${error.reason}`, { fieldPath });
    throw error;
  }
  // Told only now: until the sandbox is there, the same image may be looked at many times.
  if (!image.pulled) events.event(pod, "Normal", "Pulled", `Container image ${JSON.stringify(container.image ?? "")} already present on machine and can be accessed by the pod`, { fieldPath });
  const restartCount = restartCountOf(runtime, container.name, `${podLogDir(paths, identityOf(pod))}/${container.name}`);
  const containerId = await createContainer(context, options, image, restartCount);

  const done = tracer.start(uidOf(pod), "started container");
  try {
    await cri.startContainer({ containerId }, { signal });
  } catch (error) {
    signal.throwIfAborted();
    events.event(pod, "Warning", "Failed", `Error: ${messageOf(error)}`, { fieldPath });
    throw new StartError("RunContainerError", messageOf(error), { cause: error });
  }
  done({ container: container.name, id: containerId.slice(0, 12) });
  events.event(pod, "Normal", "Started", "Container started", { fieldPath });

  const { postStart } = container.lifecycle ?? {};
  if (!postStart) return containerId;
  try {
    await runHook(postStart, { cri, clock, pod, container, containerId, podIp: podIps[0] ?? "", signal });
  } catch (error) {
    signal.throwIfAborted();
    events.event(pod, "Warning", "FailedPostStartHook", "PostStartHook failed", { fieldPath });
    const started = { ...latestContainer(runtime, container.name), id: containerId, name: container.name } as Parameters<typeof killContainer>[0]["container"];
    await killContainer({ cri, clock, events, log, pod, container: started, podIp: podIps[0] ?? "", graceSeconds: gracePeriodSecondsOf(pod), message: "FailedPostStartHook", signal });
    throw new StartError("PostStartHookError", messageOf(error), { cause: error });
  }
  return containerId;
}
