import type { Container, Pod } from "../../api/generated/core-v1.ts";
import type { ContainerConfig, Mount } from "../../cri/generated/cri-v1.ts";
import type { Input } from "../../stdx/grpc.ts";
import type { PresentImage } from "../images/image-puller.ts";
import { podText } from "../pod/pod.ts";
import { containerAnnotations, containerLabels } from "../runtime/labels.ts";
import { expand } from "./expansion.ts";
import { containerResources, type NodeResources } from "./resources.ts";
import { containerSecurity, verifyNonRoot } from "./security.ts";

export interface ContainerConfigOptions {
  readonly pod: Pod;
  readonly container: Container;
  readonly restartCount: number;
  readonly image: PresentImage;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Input<Mount>[];
  readonly node: NodeResources;
  readonly seccompDir: string;
  /** Of an ephemeral container: the id of the container whose processes it is to see. */
  readonly target?: string;
}

/** Signals that a pod may ask for are those of the runtime's own list, by the same names. */
const stopSignal = (container: Container): ContainerConfig["stopSignal"] => (container.lifecycle?.stopSignal ?? "RUNTIME_DEFAULT") as ContainerConfig["stopSignal"];

/** What the runtime is told of a container. @throws Error in upstream's words */
export function containerConfig(options: ContainerConfigOptions): Input<ContainerConfig> {
  const { pod, container, restartCount, image, environment, mounts, node, seccompDir, target } = options;
  verifyNonRoot(pod, container, image, podText(pod));
  const lookup = (name: string): string | undefined => environment.get(name);
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: image.ref, userSpecifiedImage: container.image ?? "" },
    command: (container.command ?? []).map((text) => expand(text, lookup)),
    args: (container.args ?? []).map((text) => expand(text, lookup)),
    workingDir: container.workingDir ?? "",
    envs: [...environment].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts,
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, restartCount),
    logPath: `${container.name}/${restartCount}.log`,
    stdin: container.stdin === true, stdinOnce: container.stdinOnce === true, tty: container.tty === true,
    stopSignal: stopSignal(container),
    linux: {
      resources: containerResources(pod, container, node),
      securityContext: containerSecurity(pod, container, image, { seccompDir, supplementalGroups: [], ...(target !== undefined && { target }) }),
    },
  };
}
