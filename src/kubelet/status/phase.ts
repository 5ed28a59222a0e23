import type { ContainerStatus, Pod } from "../../api/generated/core-v1.ts";
import { containersOf, isSidecar, isStaticPod, restartsAfter, specOf } from "../pod/pod.ts";

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

/** The phase that follows from the statuses of a pod's containers. `terminal`: nothing will be restarted any more. */
export function phaseOf(pod: Pod, statuses: readonly ContainerStatus[], options: { readonly terminal: boolean; readonly initialized: boolean }): Phase {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  let pendingInit = 0;
  let pendingSidecars = 0;
  let running = 0;
  let waiting = 0;
  let stopped = 0;
  let stoppedForGood = 0;
  let succeeded = 0;
  let unknown = 0;

  for (const named of containersOf(pod)) {
    const { container, kind } = named;
    if (kind === "ephemeral") continue;
    const status = byName.get(container.name);
    const { state, lastState } = status ?? {};
    const ended = state?.terminated ?? (state?.waiting ? lastState?.terminated : undefined);
    if (kind === "init") {
      if (!ended) pendingInit++;
      else if (ended.exitCode !== 0 && !restartsAfter(pod, named, ended.exitCode)) return "Failed";
      continue;
    }
    if (kind === "sidecar") {
      if (!status) unknown++;
      else if (state?.running) {
        if (status.started !== true) pendingSidecars++;
        running++;
      } else if (!ended) {
        pendingSidecars++;
        if (state?.waiting) waiting++;
        else unknown++;
      }
      continue;
    }
    if (!status) unknown++;
    else if (state?.running) running++;
    else if (ended) {
      stopped++;
      if (!restartsAfter(pod, named, ended.exitCode)) stoppedForGood++;
      if (state?.terminated?.exitCode === 0) succeeded++;
    } else if (state?.waiting) waiting++;
    else unknown++;
  }

  if (pendingInit > 0 || (pendingSidecars > 0 && !options.initialized) || waiting > 0) return "Pending";
  if (running > 0 && unknown === 0) return "Running";
  if (running === 0 && stopped > 0 && unknown === 0) {
    if (options.terminal && !isStaticPod(pod)) return stopped === succeeded ? "Succeeded" : "Failed";
    if (stopped !== stoppedForGood) return "Running";
    return stopped === succeeded ? "Succeeded" : "Failed";
  }
  return "Pending";
}

export const hasSidecars = (pod: Pod): boolean => (specOf(pod).initContainers ?? []).some(isSidecar);
