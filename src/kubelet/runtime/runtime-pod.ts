import { readFile } from "node:fs/promises";
import type { ContainerStatus } from "../../cri/generated/cri-v1.ts";
import type { Cri } from "../../cri/cri.ts";
import { isRpcError } from "../../stdx/grpc.ts";
import { lastLogLines } from "../logs/tail.ts";
import {
  containerNameLabel, hashAnnotation, messagePathAnnotation, messagePolicyAnnotation, podGraceAnnotation, podNameLabel, podNamespaceLabel, podUidLabel, restartCountAnnotation,
} from "./labels.ts";

/** One container as the runtime has it now. */
export interface RuntimeContainer {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly state: "created" | "running" | "exited" | "unknown";
  readonly createdAtMs: number;
  /** 0 when it never started. */
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  /** As the pod names it. */
  readonly image: string;
  /** What the image is: a digest. */
  readonly imageRef: string;
  readonly hash: string;
  readonly restartCount: number;
  readonly logPath: string;
  readonly resources: ContainerStatus["resources"];
}

export interface RuntimeSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly createdAtMs: number;
  readonly ready: boolean;
  readonly hostNetwork: boolean;
  /** Empty for a sandbox in the node's network and for one that is not ready. */
  readonly ips: readonly string[];
}

/** Everything that the runtime knows of one pod; newest first. */
export interface RuntimePod {
  readonly uid: string;
  readonly sandboxes: readonly RuntimeSandbox[];
  readonly containers: readonly RuntimeContainer[];
}

export const latestContainer = (pod: RuntimePod, name: string): RuntimeContainer | undefined => pod.containers.find((container) => container.name === name);
export const readySandbox = ({ sandboxes }: RuntimePod): RuntimeSandbox | undefined => (sandboxes[0]?.ready === true ? sandboxes[0] : undefined);

const states = { CONTAINER_CREATED: "created", CONTAINER_RUNNING: "running", CONTAINER_EXITED: "exited", CONTAINER_UNKNOWN: "unknown" } as const;
export const milliseconds = (nanoseconds: number): number => Math.floor(nanoseconds / 1e6);

const messageBytesMax = 4096;
const logLinesMax = 80;
const logBytesMax = 2048;

/** What the container left in its termination file, or the end of its log where the pod asks for that and the container failed. */
async function terminationMessage(status: ContainerStatus): Promise<string> {
  const path = status.annotations[messagePathAnnotation] ?? "";
  const fallBack = status.annotations[messagePolicyAnnotation] === "FallbackToLogsOnError" && status.exitCode !== 0;
  const file = path === "" ? undefined : status.mounts.find(({ containerPath }) => containerPath === path)?.hostPath;
  if (file !== undefined) {
    try {
      const bytes = await readFile(file);
      if (bytes.length > 0 || !fallBack) return bytes.subarray(-messageBytesMax).toString();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) return `Error on reading termination log ${file}: ${String(error)}`;
    }
  }
  return fallBack ? lastLogLines(status.logPath, { linesMax: logLinesMax, bytesMax: logBytesMax }) : "";
}

async function convert(sandboxId: string, status: ContainerStatus): Promise<RuntimeContainer> {
  const exited = status.state === "CONTAINER_EXITED";
  const message = exited ? [status.message, await terminationMessage(status)].filter((text) => text !== "").join(": ") : status.message;
  return {
    id: status.id, sandboxId, name: status.labels[containerNameLabel] ?? status.metadata?.name ?? "", state: states[status.state],
    createdAtMs: milliseconds(status.createdAt), startedAtMs: milliseconds(status.startedAt), finishedAtMs: milliseconds(status.finishedAt),
    exitCode: status.exitCode, reason: status.reason, message,
    image: status.image?.image ?? "", imageRef: status.imageRef, hash: status.annotations[hashAnnotation] ?? "",
    restartCount: Number(status.annotations[restartCountAnnotation] ?? "0"), logPath: status.logPath, resources: status.resources,
  };
}

const newestFirst = <T extends { readonly createdAtMs: number }>(items: readonly T[]): T[] => items.toSorted((a, b) => b.createdAtMs - a.createdAtMs);

/** Containers that have ended do not change any more; what was read of them is kept, at most so many over all pods. */
const endedMax = 2000;

/** Reads pods from the runtime. */
export class RuntimePods {
  readonly #cri: Cri;
  readonly #ended = new Map<string, RuntimeContainer>();

  constructor(options: { readonly cri: Cri }) {
    this.#cri = options.cri;
  }

  async read(uid: string, options: { readonly signal: AbortSignal }): Promise<RuntimePod> {
    const filter = { labelSelector: { [podUidLabel]: uid } };
    const [{ items }, { containers }] = await Promise.all([this.#cri.listPodSandbox({ filter }, options), this.#cri.listContainers({ filter }, options)]);
    const [sandboxes, read] = await Promise.all([
      Promise.all(items.map(async ({ id, metadata, state, createdAt }): Promise<RuntimeSandbox> => ({
        id, attempt: metadata?.attempt ?? 0, createdAtMs: milliseconds(createdAt), ...(await this.#sandbox(id, state === "SANDBOX_READY", options)),
      }))),
      Promise.all(containers.map(({ id, podSandboxId }) => this.#container(id, podSandboxId, options))),
    ]);
    return { uid, sandboxes: newestFirst(sandboxes), containers: newestFirst(read.filter((each) => each !== undefined)) };
  }

  /** What is known of a pod, with containers that were started since; saves reading everything again. */
  async withStarted(known: RuntimePod, sandbox: RuntimeSandbox, containerIds: readonly string[], options: { readonly signal: AbortSignal }): Promise<RuntimePod> {
    const started = await Promise.all(containerIds.map((id) => this.#container(id, sandbox.id, options)));
    return {
      uid: known.uid,
      sandboxes: newestFirst([sandbox, ...known.sandboxes.filter(({ id }) => id !== sandbox.id)]),
      containers: newestFirst([...started.filter((each) => each !== undefined), ...known.containers]),
    };
  }

  async #sandbox(id: string, ready: boolean, options: { readonly signal: AbortSignal }): Promise<Pick<RuntimeSandbox, "ready" | "hostNetwork" | "ips">> {
    const none = { ready: false, hostNetwork: false, ips: [] };
    if (!ready) return none;
    try {
      const { status } = await this.#cri.podSandboxStatus({ podSandboxId: id }, options);
      const hostNetwork = status?.linux?.namespaces?.options?.network === "NODE";
      const { ip = "", additionalIps = [] } = status?.network ?? {};
      return { ready: status?.state === "SANDBOX_READY", hostNetwork, ips: hostNetwork || ip === "" ? [] : [ip, ...additionalIps.map((each) => each.ip)] };
    } catch (error) {
      if (isRpcError(error, "NOT_FOUND")) return none;
      throw error;
    }
  }

  async #container(id: string, sandboxId: string, options: { readonly signal: AbortSignal }): Promise<RuntimeContainer | undefined> {
    const known = this.#ended.get(id);
    if (known) return known;
    try {
      const { status } = await this.#cri.containerStatus({ containerId: id }, options);
      if (!status) return undefined;
      const container = await convert(sandboxId, status);
      if (container.state === "exited") {
        this.#ended.set(id, container);
        for (const oldest of this.#ended.keys()) if (this.#ended.size > endedMax) this.#ended.delete(oldest);
      }
      return container;
    } catch (error) {
      if (isRpcError(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  forget(containerId: string): void {
    this.#ended.delete(containerId);
  }

  /** Pods that have anything in the runtime, with what identifies them and the time that they have to end. */
  async list(options: { readonly signal: AbortSignal }): Promise<readonly { readonly uid: string; readonly name: string; readonly namespace: string; readonly graceSeconds: number }[]> {
    const [{ items }, { containers }] = await Promise.all([this.#cri.listPodSandbox({}, options), this.#cri.listContainers({}, options)]);
    const grace = new Map(containers.map(({ labels, annotations }) => [labels[podUidLabel] ?? "", Number(annotations[podGraceAnnotation] ?? "30")]));
    const found = items.map(({ labels }) => {
      const uid = labels[podUidLabel] ?? "";
      return { uid, name: labels[podNameLabel] ?? "", namespace: labels[podNamespaceLabel] ?? "", graceSeconds: grace.get(uid) ?? 1 };
    });
    return [...new Map(found.filter(({ uid }) => uid !== "").map((pod) => [pod.uid, pod])).values()];
  }

  /** The pod that a sandbox or container belongs to, for events that name only those. */
  async uidOf(id: string, options: { readonly signal: AbortSignal }): Promise<string | undefined> {
    const { containers } = await this.#cri.listContainers({ filter: { id } }, options);
    const uid = containers[0]?.labels[podUidLabel];
    if (uid !== undefined) return uid;
    const { items } = await this.#cri.listPodSandbox({ filter: { id } }, options);
    return items[0]?.labels[podUidLabel];
  }
}
