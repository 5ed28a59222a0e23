import { runController, type Context, type Controller } from "../client/controller.ts";
import { bootstrapTokenCleaner } from "./bootstrap-token-cleaner/bootstrap-token-cleaner.ts";
import { clusterRoleAggregation } from "./clusterrole-aggregation/clusterrole-aggregation.ts";
import { deploymentController } from "./deployment/deployment.ts";
import { endpointsController } from "./endpoints/endpoints.ts";
import { endpointSliceController } from "./endpointslice/endpointslice.ts";
import { garbageCollector } from "./garbage-collector/garbage-collector.ts";
import { namespaceController } from "./namespace/namespace.ts";
import { podGarbageCollector } from "./pod-gc/pod-gc.ts";
import { replicaSetController, replicationController } from "./replicaset/replicaset.ts";
import { rootCaPublisher } from "./root-ca-publisher/root-ca-publisher.ts";
import { serviceAccountController } from "./serviceaccount/serviceaccount.ts";

export interface ControllerManagerOptions {
  /** The PEM that pods trust, for `kube-root-ca.crt` in every namespace. */
  readonly rootCa: string;
}

/** Something that runs until the signal of its context aborts: most are controllers of one resource. */
export interface Runnable {
  readonly name: string;
  run(context: Context): Promise<void>;
}
const runnable = (controller: Controller): Runnable => ({ name: controller.name, run: (context) => runController(controller, context) });

/** All controllers, in the order in which a cluster needs them. */
export const controllersFor = ({ rootCa }: ControllerManagerOptions): readonly Runnable[] => [
  ...[
    serviceAccountController,
    rootCaPublisher(rootCa),
    clusterRoleAggregation,
    replicaSetController,
    deploymentController,
    replicationController,
    endpointSliceController,
    endpointsController,
    namespaceController,
    podGarbageCollector(),
    bootstrapTokenCleaner,
  ].map(runnable),
  garbageCollector,
];
