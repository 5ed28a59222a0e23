import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import { containerdChannel, containerdCodec, containerdMethods, criNamespace } from "./containerd/api.ts";
import type { Cri } from "./cri.ts";
import { isRpcError } from "../stdx/grpc.ts";

/** Something happened to a container or sandbox; the reader looks up what is true now. */
export interface RuntimeEvent {
  readonly type: "created" | "started" | "exited" | "deleted" | "oom" | "reconnected";
  /** Of a container, or of a sandbox. Empty for "reconnected", after which anything may have changed. */
  readonly id: string;
}

interface Envelope {
  readonly namespace: string;
  readonly topic: string;
  readonly event: { readonly typeUrl: string; readonly value: Buffer } | null;
}
interface TaskExit { readonly containerId: string; readonly id: string }

const typeOfTopic: Readonly<Record<string, RuntimeEvent["type"]>> = {
  "/tasks/start": "started", "/tasks/exit": "exited", "/tasks/oom": "oom", "/containers/delete": "deleted",
};
const typeOfCriEvent = {
  CONTAINER_CREATED_EVENT: "created", CONTAINER_STARTED_EVENT: "started", CONTAINER_STOPPED_EVENT: "exited", CONTAINER_DELETED_EVENT: "deleted",
} as const;

/** How often the runtime is asked whether it has noticed an exit that its event stream told of; the first waits are short, since it nearly has. */
const settleDelaysMs = [0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const reconnectDelayMs = 100;
const reconnectDelayMsMax = 2000;

async function* fromCri(cri: Cri, signal: AbortSignal): AsyncGenerator<RuntimeEvent, void> {
  for await (const event of cri.getContainerEvents({}, { signal })) yield { type: typeOfCriEvent[event.containerEventType], id: event.containerId };
}

async function* fromContainerd(cri: Cri, signal: AbortSignal): AsyncGenerator<RuntimeEvent, void> {
  using channel = containerdChannel(cri.socket);
  const filters = Object.keys(typeOfTopic).map((topic) => `namespace==${criNamespace},topic==${JSON.stringify(topic)}`);
  for await (const message of channel.serverStream(containerdMethods.subscribe, { filters }, { signal })) {
    const { topic, event } = message as Envelope;
    const type = typeOfTopic[topic];
    if (type === undefined || event === null) continue;
    if (type === "exited") {
      const exit = containerdCodec("TaskExit").decode(event.value) as TaskExit;
      if (exit.id === exit.containerId) yield { type, id: exit.containerId }; // Others are processes started by exec.
    } else yield { type, id: (containerdCodec("TaskEvent").decode(event.value) as { readonly containerId: string }).containerId };
  }
}

/** True once the runtime's own record agrees that the container (or sandbox) has ended; its event is published a little earlier than that. */
async function settled(cri: Cri, id: string, options: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
  for (const delayMs of settleDelaysMs) {
    if (delayMs > 0) await options.clock.sleep(delayMs, options);
    try {
      const { status } = await cri.containerStatus({ containerId: id }, { signal: options.signal, deadlineMs: 5000 });
      if (status?.state !== "CONTAINER_RUNNING") return;
    } catch (error) {
      if (!isRpcError(error, "NOT_FOUND")) throw error;
      try {
        const { status } = await cri.podSandboxStatus({ podSandboxId: id }, { signal: options.signal, deadlineMs: 5000 });
        if (status?.state !== "SANDBOX_READY") return;
      } catch (inner) {
        if (isRpcError(inner, "NOT_FOUND")) return;
        throw inner;
      }
    }
  }
}

/**
 * Calls `handle` for every change that the runtime tells of, until the signal aborts. Reads CRI's own stream where the runtime has it and containerd's
 * event service else; after a break it connects again and says so with "reconnected".
 */
export async function watchRuntime(options: {
  readonly cri: Cri; readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal; readonly handle: (event: RuntimeEvent) => void;
}): Promise<void> {
  const { cri, clock, log, signal, handle } = options;
  let source: typeof fromCri = fromCri;
  let delayMs = reconnectDelayMs;
  const report = async (event: RuntimeEvent): Promise<void> => {
    try {
      if (event.type === "exited") await settled(cri, event.id, { clock, signal });
    } catch (error) {
      if (signal.aborted) return;
      log.warn("could not confirm an exit", { id: event.id, error });
    }
    if (!signal.aborted) handle(event);
  };

  while (!signal.aborted) {
    try {
      for await (const event of source(cri, signal)) {
        delayMs = reconnectDelayMs;
        void report(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (source === fromCri && isRpcError(error, "UNIMPLEMENTED")) {
        source = fromContainerd;
        continue;
      }
      log.debug("event stream of the runtime broke", { error });
    }
    try {
      await clock.sleep(delayMs, { signal });
    } catch {
      return; // Only an abort ends a sleep early.
    }
    delayMs = Math.min(delayMs * 2, reconnectDelayMsMax);
    handle({ type: "reconnected", id: "" });
  }
}
