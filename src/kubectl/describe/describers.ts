import type { KubeObject } from "../../apimachinery/object.ts";
import type { ServedResource } from "../discovery.ts";
import type { Session } from "../session.ts";

export interface DescribeSettings {
  readonly showEvents: boolean;
}
type Describer = (session: Session, object: KubeObject, settings: DescribeSettings) => Promise<string>;

const loaders: Readonly<Record<string, () => Promise<unknown>>> = {
  "Pod.": async () => (await import("./pod.ts")).describePod,
  "Node.": async () => (await import("./node.ts")).describeNode,
  "Namespace.": async () => (await import("./others.ts")).describeNamespace,
  "Service.": async () => (await import("./others.ts")).describeService,
  "ConfigMap.": async () => (await import("./others.ts")).describeConfigMap,
  "Secret.": async () => (await import("./others.ts")).describeSecret,
  "ServiceAccount.": async () => (await import("./others.ts")).describeServiceAccount,
  "Deployment.apps": async () => (await import("./others.ts")).describeDeployment,
  "ReplicaSet.apps": async () => (await import("./others.ts")).describeReplicaSet,
};

/** Describers are loaded by the kind of object that they are for. */
export async function describerFor({ kind, group }: ServedResource): Promise<Describer> {
  const load = loaders[`${kind}.${group}`] ?? (async () => (await import("./others.ts")).describeAnything);
  return (await load()) as Describer;
}
