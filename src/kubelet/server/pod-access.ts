import type { Pod } from "../../api/generated/core-v1.ts";

/** What the node's HTTP API needs to know of the pods that run here. */
export interface PodAccess {
  /** With the status as this node knows it now, which may be ahead of the API. */
  list(): readonly Pod[];
  find(namespace: string, name: string): Pod | undefined;
  /** The sandbox that is ready, by the pod's UID. */
  sandboxId(uid: string): Promise<string | undefined>;
  /** The container of this name that runs now. */
  runningContainerId(uid: string, container: string): Promise<string | undefined>;
}
