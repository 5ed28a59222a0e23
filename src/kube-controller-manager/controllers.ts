import { runController, type Context, type Controller } from "../client/controller.ts";
import { bootstrapTokenCleaner } from "./bootstrap-token-cleaner/bootstrap-token-cleaner.ts";
import { clusterRoleAggregation } from "./clusterrole-aggregation/clusterrole-aggregation.ts";
import { daemonSetController } from "./daemonset/daemonset.ts";
import { deploymentController } from "./deployment/deployment.ts";
import { disruptionController } from "./disruption/disruption.ts";
import { endpointsController } from "./endpoints/endpoints.ts";
import { endpointSliceController } from "./endpointslice/endpointslice.ts";
import { garbageCollector } from "./garbage-collector/garbage-collector.ts";
import { jobController } from "./job/job.ts";
import { namespaceController } from "./namespace/namespace.ts";
import { nodeIpamController } from "./node-ipam/node-ipam.ts";
import type { ClusterCidr } from "./node-ipam/plan.ts";
import { nodeLifecycleController } from "./node-lifecycle/node-lifecycle.ts";
import type { NodeTimes } from "./node-lifecycle/plan.ts";
import { podGarbageCollector } from "./pod-gc/pod-gc.ts";
import { replicaSetController, replicationController } from "./replicaset/replicaset.ts";
import { rootCaPublisher } from "./root-ca-publisher/root-ca-publisher.ts";
import { serviceCidrController } from "./service-cidr/service-cidr.ts";
import { serviceAccountController } from "./serviceaccount/serviceaccount.ts";
import { statefulSetController } from "./statefulset/statefulset.ts";
import { taintEvictionController } from "./taint-eviction/taint-eviction.ts";
import { ttlAfterFinishedController } from "./ttl-after-finished/ttl-after-finished.ts";

export interface ControllerManagerOptions {
  /** The PEM that pods trust, for `kube-root-ca.crt` in every namespace. */
  readonly rootCa: string;
  /** Where pods get their addresses from, one block per family; without any, nodes get none from here. */
  readonly clusterCidrs?: readonly ClusterCidr[];
  /** Upstream's when left out: a node is unreachable after 50 s of silence. */
  readonly nodeTimes?: NodeTimes;
}

/** Something that runs until the signal of its context aborts: most are controllers of one resource. */
export interface Runnable {
  readonly name: string;
  /** The ServiceAccount in kube-system whose bootstrap role allows what this one does; its name where they are the same. */
  readonly serviceAccount?: string;
  run(context: Context): Promise<void>;
}
const runnable = (controller: Controller): Runnable => {
  const serviceAccount = serviceAccounts[controller.name];
  return { name: controller.name, ...(serviceAccount !== undefined && { serviceAccount }), run: (context) => runController(controller, context) };
};
/** Names under which upstream's controllers write events differ from those of their ServiceAccounts. */
const serviceAccounts: Readonly<Record<string, string>> = {
  "root-ca-certificate-publisher": "root-ca-cert-publisher",
  "endpoint-slice-controller": "endpointslice-controller",
  "daemonset-controller": "daemon-set-controller",
  "controllermanager": "disruption-controller",
  "cidrAllocator": "node-controller",
  "taint-eviction-controller": "node-controller",
  "service-cidr-controller": "service-cidrs-controller",
};

/** All controllers, in the order in which a cluster needs them. */
export const controllersFor = ({ rootCa, clusterCidrs = [], nodeTimes }: ControllerManagerOptions): readonly Runnable[] => [
  ...[
    serviceAccountController,
    rootCaPublisher(rootCa),
    clusterRoleAggregation,
    nodeIpamController(clusterCidrs),
    nodeLifecycleController(nodeTimes),
    taintEvictionController(),
    replicaSetController,
    deploymentController,
    replicationController,
    daemonSetController,
    statefulSetController,
    jobController,
    ttlAfterFinishedController,
    endpointSliceController,
    endpointsController,
    disruptionController,
    serviceCidrController,
    namespaceController,
    podGarbageCollector(),
    bootstrapTokenCleaner,
  ].map(runnable),
  garbageCollector,
];
