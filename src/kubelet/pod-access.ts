import type { Pod } from "../api/generated/core-v1.ts";
import type { Cri } from "../cri/cri.ts";
import type { RuntimeContainer, RuntimePod, RuntimeSandbox } from "./runtime/runtime-pod.ts";

/** What the node's HTTP API needs to know of its pods. */
export interface PodAccess {
  readonly nodeName: string;
  /** All pods of this node, with their latest status. */
  pods(): readonly Pod[];
  /** By name, and by UID where a caller knows it: a pod of the same name may have taken its place. */
  find(namespace: string, name: string, uid?: string): Pod | undefined;
  /** Read from the runtime now. */
  runtimePod(pod: Pod): Promise<RuntimePod>;
  /** The latest container of that name, or with `previous` the one before it; undefined when there is none. */
  container(pod: Pod, name: string, options?: { readonly previous?: boolean }): Promise<RuntimeContainer | undefined>;
  sandbox(pod: Pod): Promise<RuntimeSandbox | undefined>;
  /** Folder of the pod's logs: `<container>/<n>.log` below it; rotated ones have a time after that name. */
  logDirectory(pod: Pod): string;
  /** Exec, attach and port-forward answer with the URL at which the runtime streams; it is on the node's own loopback address. */
  readonly cri: Cri;
}
