import type { Pod } from "../api/generated/core-v1.ts";
import { nameOf, namespaceOf, uidOf } from "./pod/pod.ts";

/** Where everything of a node lies: all under its own state folder. */
export interface NodePaths {
  readonly stateDir: string;
  readonly podsDir: string;
  readonly memoryDir: string;
  readonly logsDir: string;
  readonly seccompDir: string;
}

export const nodePaths = (stateDir: string): NodePaths => ({
  stateDir, podsDir: `${stateDir}/pods`, memoryDir: `${stateDir}/memory`, logsDir: `${stateDir}/logs/pods`, seccompDir: `${stateDir}/seccomp`,
});

export const podDir = (paths: NodePaths, pod: Pod): string => `${paths.podsDir}/${uidOf(pod)}`;
export const podLogDir = (paths: NodePaths, identity: { readonly namespace: string; readonly name: string; readonly uid: string }): string =>
  `${paths.logsDir}/${identity.namespace}_${identity.name}_${identity.uid}`;
export const identityOf = (pod: Pod): { readonly namespace: string; readonly name: string; readonly uid: string } => ({ namespace: namespaceOf(pod), name: nameOf(pod), uid: uidOf(pod) });
