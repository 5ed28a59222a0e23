import { pods, type Pod } from "../api/generated/core-v1.ts";
import { formatTime } from "../apimachinery/time.ts";
import type { Client } from "../client/client.ts";

export interface StatusChange {
  readonly condition?: { readonly type: string; readonly status: "True" | "False"; readonly reason: string; readonly message: string };
  /** "" takes the nomination back. */
  readonly nominatedNodeName?: string;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** The patch that brings a pod's status there; undefined when it is there already. */
export function planStatus({ metadata: { generation, uid }, status }: Pod, { condition, nominatedNodeName, nowMs }: Omit<StatusChange, "signal">): unknown {
  const known = condition && status?.conditions?.find(({ type }) => type === condition.type);
  const same = condition === undefined || (known?.status === condition.status && known.reason === condition.reason && known.message === condition.message && known.observedGeneration === generation);
  const nominated = nominatedNodeName === undefined || nominatedNodeName === (status?.nominatedNodeName ?? "");
  if (same && nominated) return undefined;
  const lastTransitionTime = known?.status === condition?.status ? known?.lastTransitionTime : undefined;
  return {
    // A pod of the same name that came later is not meant.
    metadata: { uid },
    status: {
      ...(condition && !same && { conditions: [{ ...condition, ...(generation !== undefined && { observedGeneration: generation }), lastProbeTime: null, lastTransitionTime: lastTransitionTime ?? formatTime(nowMs) }] }),
      ...(!nominated && { nominatedNodeName: nominatedNodeName === "" ? null : nominatedNodeName }),
    },
  };
}

/** Writes through the status subresource, and only what differs. */
export async function setPodStatus(client: Client, pod: Pod, { signal, ...change }: StatusChange): Promise<void> {
  const patch = planStatus(pod, change);
  if (patch === undefined) return;
  const { name = "", namespace = "" } = pod.metadata;
  await client.patch(pods, { name, namespace }, "application/strategic-merge-patch+json", patch, { subresource: "status", signal });
}
