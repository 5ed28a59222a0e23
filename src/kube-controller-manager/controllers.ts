import type { Controller } from "../client/controller.ts";
import { deploymentController } from "./deployment/deployment.ts";
import { replicaSetController, replicationController } from "./replicaset/replicaset.ts";

export interface ControllerManagerOptions {
  /** The PEM that pods trust, for `kube-root-ca.crt` in every namespace. */
  readonly rootCa: string;
}

/** All controllers, in the order in which the documentation names them. */
export const controllersFor = (_options: ControllerManagerOptions): readonly Controller[] => [
  replicationController,
  replicaSetController,
  deploymentController,
];
