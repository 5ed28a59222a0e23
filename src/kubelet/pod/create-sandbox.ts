import { mkdirSync } from "node:fs";
import type { Pod } from "../../api/generated/core-v1.ts";
import type { PodSandboxConfig } from "../../cri/generated/cri-v1.ts";
import { rpcErrorText, type Input } from "../../stdx/grpc.ts";
import { identityOf, podDir, podLogDir } from "../paths.ts";
import { milliseconds, type RuntimeSandbox } from "../runtime/runtime-pod.ts";
import { sandboxConfig } from "../sandbox/config.ts";
import type { PodContext } from "./context.ts";
import { isHostNetwork, uidOf } from "./pod.ts";

/** As long as a sandbox may take to come up or to stop: its network is made by programs of others. */
export const sandboxDeadlineMs = 240_000;

export function sandboxConfigOf({ node, paths, cgroups }: PodContext, pod: Pod, attempt: number): Input<PodSandboxConfig> {
  return sandboxConfig(pod, {
    attempt, cgroupParent: cgroups.pathOf(pod), logDirectory: podLogDir(paths, identityOf(pod)), seccompDir: paths.seccompDir,
    clusterDns: node.clusterDns, clusterDomain: node.clusterDomain, nodeResolvConf: node.nodeResolvConf(),
  });
}

/** Makes the folders of the pod, its sandbox, and with it its network. What fails is also told as an event. */
export async function createSandbox({ cri, events, tracer, paths }: PodContext, pod: Pod, config: Input<PodSandboxConfig>, signal: AbortSignal): Promise<RuntimeSandbox> {
  mkdirSync(podDir(paths, pod), { recursive: true, mode: 0o750 }); // At once, since a turn in Node's pool of threads takes longer than it does.
  mkdirSync(config.logDirectory ?? "", { recursive: true, mode: 0o755 });
  const done = tracer.start(uidOf(pod), "created sandbox");
  try {
    const { podSandboxId: id } = await cri.runPodSandbox({ config, runtimeHandler: "" }, { signal, deadlineMs: sandboxDeadlineMs });
    const { status } = await cri.podSandboxStatus({ podSandboxId: id }, { signal });
    const ips = [status?.network?.ip ?? "", ...(status?.network?.additionalIps ?? []).map(({ ip }) => ip)].filter((ip) => ip !== "");
    done({ id: id.slice(0, 12), ip: ips[0] ?? "" });
    const hostNetwork = isHostNetwork(pod);
    return { id, attempt: config.metadata?.attempt ?? 0, createdAtMs: milliseconds(status?.createdAt ?? 0), ready: status?.state === "SANDBOX_READY", hostNetwork, ips: hostNetwork ? [] : ips };
  } catch (error) {
    signal.throwIfAborted();
    events.event(pod, "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${rpcErrorText(error)}`);
    throw error;
  }
}
