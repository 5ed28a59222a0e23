import type { Clock } from "../../stdx/clock.ts";
import type { Random } from "../../stdx/random.ts";
import type { AdmissionPlugin, Authorizer, ClusterReader } from "../access.ts";
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from "./certificates.ts";
import { defaultIngressClass, defaultStorageClass } from "./default-classes.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { limitRanger } from "./limit-ranger.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import { persistentVolumeClaimResize } from "./persistent-volume-claim-resize.ts";
import { podSecurity } from "./pod-security/pod-security.ts";
import { podTopologyLabels } from "./pod-topology-labels.ts";
import { priority } from "./priority.ts";
import { runtimeClass } from "./runtime-class.ts";
import { serviceAccount } from "./service-account.ts";
import { storageObjectInUseProtection } from "./storage-object-in-use-protection.ts";
import { taintNodesByCondition } from "./taint-nodes-by-condition.ts";
import { escalationCheck } from "../authorization/escalation.ts";
import type { RuleResolver } from "../authorization/rbac.ts";

export interface AdmissionOptions {
  readonly cluster: ClusterReader;
  readonly authorizer: Authorizer;
  readonly resolver: RuleResolver;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** The plugins that are on, in upstream's order; the check against privilege escalation, which upstream has in its storage, comes first. */
export const defaultAdmission = ({ cluster, authorizer, resolver, clock, random, signal }: AdmissionOptions): readonly AdmissionPlugin[] => [
  escalationCheck({ authorizer, resolver }),
  namespaceLifecycle(cluster),
  limitRanger(cluster),
  serviceAccount({ cluster, clock, random, signal }),
  nodeRestriction(cluster, authorizer),
  taintNodesByCondition,
  podSecurity(cluster),
  priority(cluster),
  defaultTolerationSeconds,
  defaultStorageClass(cluster),
  storageObjectInUseProtection,
  persistentVolumeClaimResize(cluster),
  runtimeClass(cluster),
  certificateApproval(authorizer),
  certificateSigning(authorizer),
  certificateSubjectRestriction,
  defaultIngressClass(cluster),
  podTopologyLabels(cluster),
];
