import type { CertificateSigningRequest } from "../../api/generated/certificates-v1.ts";
import { csidrivers } from "../../api/generated/storage-v1.ts";
import { nodes, persistentvolumeclaims, persistentvolumes, pods, type Node, type PersistentVolumeClaim, type Pod, type Volume } from "../../api/generated/core-v1.ts";
import type { ResourceSlice } from "../../api/generated/resource-v1.ts";
import type { TokenRequest } from "../../api/generated/authentication-v1.ts";
import { notFoundError } from "../../apimachinery/status-error.ts";
import { equal } from "../../stdx/equal.ts";
import type { AdmissionPlugin, AdmissionRequest, Authorizer, ClusterReader } from "../access.ts";
import { nodeNameOf } from "../authorization/node-identity.ts";
import { claimOfVolume, isMirrorPod, mirrorPodAnnotation } from "../authorization/pod-references.ts";
import { subjectOfRequest } from "./certificate-request.ts";
import { forbiddenNodeLabels } from "./node-labels.ts";
import { checkInOrder, refuse } from "./plugin.ts";
import { referredApiObjects } from "./pod-api-objects.ts";

const leaseNamespace = "kube-node-lease";
const quoted = (text: string): string => JSON.stringify(text);

/** What a node writes must be about itself: the part of the Node authorizer's rules that needs to see the objects. */
export function nodeRestriction(cluster: ClusterReader, authorizer: Authorizer): AdmissionPlugin {
  const handles: AdmissionPlugin["handles"] = (operation) => operation !== "CONNECT";
  return checkInOrder("NodeRestriction", handles, (request) => {
    const node = nodeNameOf(request.user);
    if (node === undefined) return;
    if (node === "") throw refuse(request, `could not determine node from user ${quoted(request.user.name)}`);
    const { group, plural } = request.type;
    switch (group === "" ? plural : `${plural}.${group}`) {
      case "pods": return checkPod(cluster, node, request);
      case "nodes": return checkNode(node, request);
      case "persistentvolumeclaims": return checkClaim(node, request);
      case "serviceaccounts": return checkToken(cluster, authorizer, node, request);
      case "leases.coordination.k8s.io": return checkLease(node, request);
      case "csinodes.storage.k8s.io": return checkOwnName(node, request, "can only access CSINode with the same name as the requesting node");
      case "resourceslices.resource.k8s.io": return checkResourceSlice(node, request);
      case "certificatesigningrequests.certificates.k8s.io": return checkCertificateRequest(node, request);
      default: return undefined;
    }
  });
}

function checkPod(cluster: ClusterReader, node: string, request: AdmissionRequest): void {
  const { operation, subresource, namespace, name } = request;
  const existing = (): Pod => {
    const found = cluster.get(pods, namespace, name);
    if (!found) throw notFoundError({ group: "", resource: "pod" }, name);
    return found;
  };
  switch (subresource) {
    case "":
      if (operation === "CREATE") return checkMirrorPod(cluster, node, request);
      if (operation !== "DELETE") throw refuse(request, `unexpected operation ${quoted(operation)}, node ${quoted(node)} can only create and delete mirror pods`);
      if (existing().spec?.nodeName !== node) throw refuse(request, `node ${quoted(node)} can only delete pods with spec.nodeName set to itself`);
      return;
    case "status":
      if (operation !== "UPDATE") throw refuse(request, `unexpected operation ${quoted(operation)}`);
      return checkPodStatus(node, request);
    case "eviction":
      if (operation !== "CREATE") throw refuse(request, `unexpected operation ${operation}`);
      if (existing().spec?.nodeName !== node) throw refuse(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
      return;
    default:
      throw refuse(request, `unexpected pod subresource ${quoted(subresource)}, only 'status' and 'eviction' are allowed`);
  }
}

function checkMirrorPod(cluster: ClusterReader, node: string, request: AdmissionRequest): void {
  const pod = request.object as Pod;
  const start = `node ${quoted(node)} can only create pods with`;
  if (!isMirrorPod(pod)) throw refuse(request, `pod does not have ${quoted(mirrorPodAnnotation)} annotation, node ${quoted(node)} can only create mirror pods`);
  if (pod.spec?.nodeName !== node) throw refuse(request, `${start} spec.nodeName set to itself`);
  const [owner, ...others] = pod.metadata.ownerReferences ?? [];
  if (others.length > 0) throw refuse(request, `${start} a single owner reference set to itself`);
  if (owner?.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node) throw refuse(request, `${start} an owner reference set to itself`);
  if (owner.controller !== true) throw refuse(request, `${start} a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion === true) throw refuse(request, `node ${quoted(node)} must not set blockOwnerDeletion on an owner reference`);
  const self = cluster.get(nodes, "", node);
  if (!self) throw notFoundError({ group: "", resource: "node" }, node);
  if (self.metadata.uid !== owner.uid) throw refuse(request, `node ${node} UID mismatch: expected ${owner.uid} got ${self.metadata.uid ?? ""}`);
  const referred = referredApiObjects(pod);
  if (referred !== undefined) throw refuse(request, `node ${quoted(node)} can not create pods that reference ${referred}`);
}

function checkPodStatus(node: string, request: AdmissionRequest): void {
  const [next, previous] = [request.object as Pod, request.oldObject as Pod];
  const start = `node ${quoted(node)}`;
  if (previous.spec?.nodeName !== node) throw refuse(request, `${start} can only update pod status for pods with spec.nodeName set to itself`);
  if (!equal(next.metadata.labels ?? {}, previous.metadata.labels ?? {})) throw refuse(request, `${start} cannot update labels through pod status`);
  if (!equal(next.status?.resourceClaimStatuses ?? [], previous.status?.resourceClaimStatuses ?? [])) throw refuse(request, `${start} cannot update resource claim statues`);
  if (!equal(next.status?.extendedResourceClaimStatus, previous.status?.extendedResourceClaimStatus)) throw refuse(request, `${start} cannot update extended resource claim status`);
}

function checkNode(node: string, request: AdmissionRequest): void {
  const { operation, name } = request;
  const start = `node ${quoted(node)} is not allowed to`;
  const next = request.object as Node | undefined;
  const requested = name === "" ? (next?.metadata.name ?? "") : name;
  if (requested !== node) throw refuse(request, `${start} modify node ${quoted(requested)}`);
  if (operation === "CREATE" && next) {
    if (next.spec?.configSource) throw refuse(request, `${start} create pods with a non-nil configSource`);
    const forbidden = forbiddenNodeLabels(next.metadata.labels, {});
    if (forbidden.length > 0) throw refuse(request, `${start} set the following labels: ${forbidden.join(", ")}`);
  }
  const previous = request.oldObject as Node | undefined;
  if (operation === "UPDATE" && next && previous) {
    if (next.spec?.configSource && !equal(next.spec.configSource, previous.spec?.configSource)) throw refuse(request, `${start} update configSource to a new non-nil configSource`);
    if (!equal(next.spec?.taints ?? [], previous.spec?.taints ?? [])) throw refuse(request, `${start} modify taints`);
    if (!equal(next.metadata.ownerReferences ?? [], previous.metadata.ownerReferences ?? [])) throw refuse(request, `${start} modify ownerReferences`);
    const forbidden = forbiddenNodeLabels(next.metadata.labels, previous.metadata.labels);
    if (forbidden.length > 0) throw refuse(request, `is not allowed to modify labels: ${forbidden.join(", ")}`);
  }
}

function checkClaim(node: string, request: AdmissionRequest): void {
  if (request.subresource !== "status") throw refuse(request, "may only update PVC status");
  if (request.operation !== "UPDATE") throw refuse(request, `unexpected operation ${quoted(request.operation)}`);
  /** The claim without what a node may change. */
  const fixed = ({ metadata: { resourceVersion: _version, managedFields: _fields, ...metadata }, status = {}, ...rest }: PersistentVolumeClaim) => {
    const { capacity: _capacity, conditions: _conditions, allocatedResources: _allocated, allocatedResourceStatuses: _statuses, ...fixedStatus } = status;
    return { ...rest, metadata, status: fixedStatus };
  };
  if (!equal(fixed(request.object as PersistentVolumeClaim), fixed(request.oldObject as PersistentVolumeClaim))) {
    throw refuse(request, `node ${quoted(node)} is not allowed to update fields other than status.quantity and status.conditions`);
  }
}

async function checkToken(cluster: ClusterReader, authorizer: Authorizer, node: string, request: AdmissionRequest): Promise<void> {
  const { operation, subresource, namespace, user, name } = request;
  if (operation !== "CREATE" || subresource !== "token") return;
  const { boundObjectRef: bound, audiences = [] } = (request.object as TokenRequest).spec ?? {};
  if (bound?.apiVersion !== "v1" || bound.kind !== "Pod" || (bound.name ?? "") === "") throw refuse(request, "node requested token not bound to a pod");
  if ((bound.uid ?? "") === "") throw refuse(request, "node requested token with a pod binding without a uid");
  const pod = cluster.get(pods, namespace, bound.name ?? "");
  if (!pod) throw notFoundError({ group: "", resource: "pod" }, bound.name ?? "");
  if (pod.metadata.uid !== bound.uid) {
    throw refuse(request, `the UID in the bound object reference (${bound.uid ?? ""}) does not match the UID in record. The object might have been deleted and then recreated`);
  }
  if (pod.spec?.nodeName !== node) throw refuse(request, "node requested token bound to a pod scheduled on a different node");
  if (audiences.length > 1) throw refuse(request, "node may only request 0 or 1 audiences");
  const [audience = ""] = audiences;
  if ((pod.spec.volumes ?? []).some((volume) => volumeAudiences(cluster, pod, volume).includes(audience))) return;
  const { decision } = await authorizer.authorize({
    user, verb: "request-serviceaccounts-token-audience", path: "", isResourceRequest: true, group: "", version: "v1", resource: audience, subresource: "", namespace, name,
  });
  if (decision !== "allow") throw refuse(request, `audience ${quoted(audience)} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`);
}

/** The audiences for which a volume of the pod needs tokens: projected ones, and those that its CSI driver asks for. */
function volumeAudiences(cluster: ClusterReader, pod: Pod, volume: Volume): readonly string[] {
  const projected = (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken }) => (serviceAccountToken ? [serviceAccountToken.audience ?? ""] : []));
  const claim = claimOfVolume(pod, volume);
  const bound = claim === undefined ? undefined : cluster.get(persistentvolumeclaims, pod.metadata.namespace ?? "", claim)?.spec?.volumeName;
  const driver = volume.csi?.driver ?? (bound === undefined ? undefined : cluster.get(persistentvolumes, "", bound)?.spec?.csi?.driver);
  const asked = driver === undefined ? [] : cluster.get(csidrivers, "", driver)?.spec.tokenRequests ?? [];
  return [...projected, ...asked.map((each) => each.audience)];
}

function checkLease(node: string, request: AdmissionRequest): void {
  if (request.namespace !== leaseNamespace) throw refuse(request, `can only access leases in the ${quoted(leaseNamespace)} system namespace`);
  checkOwnName(node, request, "can only access node lease with the same name as the requesting node");
}

function checkOwnName(node: string, request: AdmissionRequest, refusal: string): void {
  const name = request.operation === "CREATE" ? request.object?.metadata.name : request.name;
  if (name !== node) throw refuse(request, refusal);
}

function checkResourceSlice(node: string, request: AdmissionRequest): void {
  const nodeOf = (slice: ResourceSlice | undefined): string | undefined => slice?.spec.nodeName;
  if (request.operation === "CREATE" && nodeOf(request.object as ResourceSlice | undefined) !== node) {
    throw refuse(request, "can only create ResourceSlice with the same NodeName as the requesting node");
  }
  if (request.operation === "DELETE" && nodeOf(request.oldObject as ResourceSlice | undefined) !== node) {
    throw refuse(request, "can only delete ResourceSlice with the same NodeName as the requesting node");
  }
}

const nodeSigners: readonly string[] = ["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"];

async function checkCertificateRequest(node: string, request: AdmissionRequest): Promise<void> {
  if (request.operation !== "CREATE") return;
  const { spec } = request.object as CertificateSigningRequest;
  if (!nodeSigners.includes(spec.signerName)) return;
  const { commonName } = await subjectOfRequest(spec.request).catch((error: unknown) => {
    throw refuse(request, `unable to parse csr: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (commonName !== `system:node:${node}`) throw refuse(request, `can only create a node CSR with CN=system:node:${node}`);
}
