import type { Container, Pod } from "../../api/generated/core-v1.ts";
import { nameOf, namespaceOf, specOf, uidOf } from "../pod/pod.ts";

/** What the kubelet writes on sandboxes and containers, so that after a restart it knows what they are. The names are the field's own. */
export const podNameLabel = "io.kubernetes.pod.name";
export const podNamespaceLabel = "io.kubernetes.pod.namespace";
export const podUidLabel = "io.kubernetes.pod.uid";
export const containerNameLabel = "io.kubernetes.container.name";

export const hashAnnotation = "io.kubernetes.container.hash";
export const restartCountAnnotation = "io.kubernetes.container.restartCount";
export const messagePathAnnotation = "io.kubernetes.container.terminationMessagePath";
export const messagePolicyAnnotation = "io.kubernetes.container.terminationMessagePolicy";
const preStopAnnotation = "io.kubernetes.container.preStopHandler";
const portsAnnotation = "io.kubernetes.container.ports";
export const podGraceAnnotation = "io.kubernetes.pod.terminationGracePeriod";
const podDeletionGraceAnnotation = "io.kubernetes.pod.deletionGracePeriod";

const identity = (pod: Pod): Readonly<Record<string, string>> => ({
  [podNameLabel]: nameOf(pod), [podNamespaceLabel]: namespaceOf(pod), [podUidLabel]: uidOf(pod),
});
export const sandboxLabels = (pod: Pod): Readonly<Record<string, string>> => ({ ...pod.metadata.labels, ...identity(pod) });
export const containerLabels = (pod: Pod, container: Container): Readonly<Record<string, string>> => ({ ...identity(pod), [containerNameLabel]: container.name });

/** Changes when the container has to be made anew: its image or name. FNV-1a, 32 bits. */
export function containerHash({ name, image = "" }: Pick<Container, "name" | "image">): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify({ image, name }))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}

export function containerAnnotations(pod: Pod, container: Container, restartCount: number): Readonly<Record<string, string>> {
  const { terminationGracePeriodSeconds } = specOf(pod);
  const { deletionGracePeriodSeconds } = pod.metadata;
  return {
    [hashAnnotation]: containerHash(container),
    [restartCountAnnotation]: String(restartCount),
    [messagePathAnnotation]: container.terminationMessagePath ?? "",
    [messagePolicyAnnotation]: container.terminationMessagePolicy ?? "",
    ...(deletionGracePeriodSeconds !== undefined && { [podDeletionGraceAnnotation]: String(deletionGracePeriodSeconds) }),
    ...(terminationGracePeriodSeconds !== undefined && { [podGraceAnnotation]: String(terminationGracePeriodSeconds) }),
    ...(container.lifecycle?.preStop && { [preStopAnnotation]: JSON.stringify(container.lifecycle.preStop) }),
    ...(container.ports?.length && { [portsAnnotation]: JSON.stringify(container.ports) }),
  };
}
