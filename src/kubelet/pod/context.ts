import type { ConfigMap, Pod, Secret, Service } from "../../api/generated/core-v1.ts";
import type { Cri } from "../../cri/cri.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { Tracer } from "../../stdx/steps.ts";
import type { Cgroups } from "../cgroups/cgroups.ts";
import type { NodeResources } from "../containers/resources.ts";
import type { ImagePuller } from "../images/image-puller.ts";
import type { NodePaths } from "../paths.ts";
import type { Prober } from "../probes/prober.ts";
import type { RuntimePods } from "../runtime/runtime-pod.ts";
import type { DnsOptions } from "../sandbox/dns.ts";
import type { ResizeVerdict } from "../status/conditions.ts";
import type { StatusWriter } from "../status/status-writer.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { CrashBackoff } from "./crash-backoff.ts";
import type { PodEvents } from "./events.ts";

/** What workers of pods need of their node; the same for all of them. */
export interface PodContext {
  readonly cri: Cri;
  readonly runtimeName: string;
  readonly runtimePods: RuntimePods;
  readonly cgroups: Cgroups;
  readonly volumes: Volumes;
  readonly puller: ImagePuller;
  readonly prober: Prober;
  readonly events: PodEvents;
  readonly statuses: StatusWriter;
  readonly backoff: CrashBackoff;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly log: Log;
  readonly paths: NodePaths;
  readonly node: NodeFacts;
  /** Whether the node has room for a pod with the resources that it now asks for. */
  resize(pod: Pod): ResizeVerdict | undefined;
  /** The service environment needs all services; resolves when they are known. */
  services(signal: AbortSignal): Promise<readonly Service[]>;
  configMap(pod: Pod, name: string): Promise<ConfigMap | undefined>;
  secret(pod: Pod, name: string): Promise<Secret | undefined>;
}

export interface NodeFacts extends Omit<DnsOptions, "nodeResolvConf"> {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly resources: NodeResources;
  readonly allocatable: Readonly<Record<string, string>>;
  nodeResolvConf(): string;
  nodeHosts(): string;
}
