import { rm } from "node:fs/promises";
import type { Pod } from "../../api/generated/core-v1.ts";
import { isRpcError } from "../../stdx/grpc.ts";
import { killContainers } from "../containers/kill.ts";
import { readySandbox, type RuntimePod } from "../runtime/runtime-pod.ts";
import type { PodContext } from "./context.ts";
import { sandboxDeadlineMs } from "./create-sandbox.ts";

/** Whatever is to go may be gone already. */
async function unlessGone(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!isRpcError(error, "NOT_FOUND")) throw error;
  }
}

export interface Running {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly signal: AbortSignal;
}

/** Ends all containers and stops all sandboxes, which frees the address. */
export async function killAll({ cri, clock, events, log }: PodContext, { pod, runtime, signal }: Running, graceSeconds: number): Promise<void> {
  const podIp = readySandbox(runtime)?.ips[0] ?? "";
  await killContainers({ cri, clock, events, log, pod, runtime, podIp, graceSeconds, signal });
  await Promise.all(runtime.sandboxes.map(({ id }) => unlessGone(() => cri.stopPodSandbox({ podSandboxId: id }, { signal, deadlineMs: sandboxDeadlineMs }))));
}

export const removeSandbox = ({ cri }: PodContext, id: string, signal: AbortSignal): Promise<void> => unlessGone(() => cri.removePodSandbox({ podSandboxId: id }, { signal }));

export async function removeContainer({ cri, runtimePods }: PodContext, id: string, signal: AbortSignal): Promise<void> {
  await unlessGone(() => cri.removeContainer({ containerId: id }, { signal }));
  runtimePods.forget(id);
}

/** Of each container the last one and the one before are kept, for `logs --previous`; older ones go, and sandboxes that nothing belongs to. */
export async function tidy(context: PodContext, { containers, sandboxes }: RuntimePod, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, number>();
  const old = containers.filter(({ name, state }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count > 2 && state !== "running";
  });
  await Promise.all(old.map(async ({ id, logPath }) => {
    await removeContainer(context, id, signal);
    if (logPath !== "") await rm(logPath, { force: true });
  }));
  const kept = new Set(containers.filter((container) => !old.includes(container)).map(({ sandboxId }) => sandboxId));
  await Promise.all(sandboxes.slice(1).filter(({ id, ready }) => !ready && !kept.has(id)).map(({ id }) => removeSandbox(context, id, signal)));
}
