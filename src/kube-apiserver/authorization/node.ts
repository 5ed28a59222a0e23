import { persistentvolumeclaims, persistentvolumes, pods, type PersistentVolume, type Pod } from "../../api/generated/core-v1.ts";
import type { PolicyRule } from "../../api/generated/rbac-v1.ts";
import { resourceslices } from "../../api/generated/resource-v1.ts";
import { volumeattachments } from "../../api/generated/storage-v1.ts";
import type { Attributes, Authorizer, ClusterReader, Decision } from "../access.ts";
import { nodeNameOf } from "./node-identity.ts";
import { isMirrorPod, podReferences, type PodReferences } from "./pod-references.ts";
import { ruleAllows } from "./rules.ts";

const allow: Decision = { decision: "allow", reason: "" };
const refuse = (reason: string): Decision => ({ decision: "noOpinion", reason });

type Related = (node: string, attributes: Attributes) => boolean;

/**
 * Lets kubelets do what they need for their own node, and nothing for others: read what the pods bound to it refer to, write its own Node, Lease
 * and CSINode. The rules and texts are upstream's Node authorizer's; the relations are looked up in the watch cache at the time of the request.
 */
export class NodeAuthorizer implements Authorizer {
  readonly #cluster: ClusterReader;
  readonly #rules: readonly PolicyRule[];

  /** `rules`: what every node may do beyond the kinds that are looked at one by one; the rules of the ClusterRole `system:node`. */
  constructor(cluster: ClusterReader, rules: readonly PolicyRule[]) {
    this.#cluster = cluster;
    this.#rules = rules;
  }

  authorize(attributes: Attributes): Decision {
    const node = nodeNameOf(attributes.user);
    if (node === undefined) return refuse("");
    if (node === "") return refuse(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
    const special = attributes.isResourceRequest ? this.#ofResource(node, attributes) : undefined;
    if (special) return special;
    return this.#rules.some((rule) => ruleAllows(rule, attributes)) ? allow : refuse("");
  }

  #ofResource(node: string, attributes: Attributes): Decision | undefined {
    const { group, resource, subresource } = attributes;
    switch (group === "" ? resource : `${resource}.${group}`) {
      case "secrets": return readNamespaced(node, attributes, (...given) => this.#secretIsUsed(...given));
      case "configmaps": return readNamespaced(node, attributes, this.#referredBy(({ configMaps }, name) => configMaps.has(name)));
      case "persistentvolumeclaims": {
        const related = this.#referredBy(({ claims }, name) => claims.has(name));
        return subresource === "status" ? updateStatus(node, attributes, related) : getOne(node, attributes, related);
      }
      case "persistentvolumes": return getOne(node, attributes, (of, { name }) => this.#volumeIsUsed(of, this.#cluster.get(persistentvolumes, "", name)));
      case "resourceclaims.resource.k8s.io": return getOne(node, attributes, this.#referredBy(({ resourceClaims }, name) => resourceClaims.has(name)));
      case "volumeattachments.storage.k8s.io": return getOne(node, attributes, (of, { name }) => this.#cluster.get(volumeattachments, "", name)?.spec.nodeName === of);
      case "serviceaccounts": return serviceAccount(node, attributes, this.#referredBy((references, name) => references.serviceAccount === name));
      case "leases.coordination.k8s.io": return lease(node, attributes);
      case "csinodes.storage.k8s.io": return csiNode(node, attributes);
      case "resourceslices.resource.k8s.io": return resourceSlice(node, attributes, (of, { name }) => this.#cluster.get(resourceslices, "", name)?.spec.nodeName === of);
      case "nodes": return ownNode(node, attributes);
      case "pods": return pod(node, attributes, (of, { namespace, name }) => this.#cluster.get(pods, namespace, name)?.spec?.nodeName === of);
      case "podcertificaterequests.certificates.k8s.io": return refuse("");
      default: return undefined;
    }
  }

  /** Mirror pods grant nothing: their node made them up. */
  #podsOf(node: string, namespace: string): readonly Pod[] {
    return this.#cluster.list(pods, namespace).filter((each) => each.spec?.nodeName === node && !isMirrorPod(each));
  }

  #referredBy(refers: (references: PodReferences, name: string) => boolean): Related {
    return (node, { namespace, name }) => this.#podsOf(node, namespace).some((each) => refers(podReferences(each), name));
  }

  #volumeIsUsed(node: string, volume: PersistentVolume | undefined): boolean {
    const claim = volume?.spec?.claimRef;
    if (!claim) return false;
    return this.#podsOf(node, claim.namespace ?? "").some((each) => podReferences(each).claims.has(claim.name ?? ""));
  }

  /** A secret is used by a pod, or by the volume behind a claim of a pod. */
  #secretIsUsed(node: string, { namespace, name }: Attributes): boolean {
    const mine = this.#podsOf(node, namespace);
    if (mine.some((each) => podReferences(each).secrets.has(name))) return true;
    return mine.flatMap((each) => [...podReferences(each).claims]).some((claim) => {
      const volumeName = this.#cluster.get(persistentvolumeclaims, namespace, claim)?.spec?.volumeName ?? "";
      const volume = volumeName === "" ? undefined : this.#cluster.get(persistentvolumes, "", volumeName);
      return volume !== undefined && secretsOf(volume).some((secret) => secret.name === name && (secret.namespace ?? namespace) === namespace) && this.#volumeIsUsed(node, volume);
    });
  }
}

/** Secrets that the kubelet reads for a volume; those of controllers (provisioning, attaching) are none of its business. */
function secretsOf({ spec }: PersistentVolume): readonly { readonly name?: string; readonly namespace?: string }[] {
  const { azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = spec ?? {};
  return [
    azureFile && { name: azureFile.secretName, ...(azureFile.secretNamespace !== undefined && { namespace: azureFile.secretNamespace }) },
    cephfs?.secretRef, cinder?.secretRef, flexVolume?.secretRef, rbd?.secretRef, scaleIO?.secretRef, iscsi?.secretRef, storageos?.secretRef,
    csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef,
  ].filter((secret) => secret !== undefined);
}

const unrelated = (node: string): Decision => refuse(`no relationship found between node '${node}' and this object`);

function ifRelated(node: string, attributes: Attributes, related: Related): Decision {
  if (attributes.name === "") return refuse("No Object name found");
  return related(node, attributes) ? allow : unrelated(node);
}

function readNamespaced(node: string, attributes: Attributes, related: Related): Decision {
  if (!["get", "list", "watch"].includes(attributes.verb)) return refuse("can only read resources of this type");
  if (attributes.subresource !== "") return refuse("cannot read subresource");
  if (attributes.namespace === "") return refuse("can only read namespaced object of this type");
  return ifRelated(node, attributes, related);
}

function getOne(node: string, attributes: Attributes, related: Related): Decision {
  if (attributes.verb !== "get") return refuse("can only get individual resources of this type");
  if (attributes.subresource !== "") return refuse("cannot get subresource");
  return ifRelated(node, attributes, related);
}

function updateStatus(node: string, attributes: Attributes, related: Related): Decision {
  if (attributes.verb !== "update" && attributes.verb !== "patch") return refuse("can only get/update/patch this type");
  return ifRelated(node, attributes, related);
}

function serviceAccount(node: string, attributes: Attributes, related: Related): Decision {
  if (attributes.verb === "get" && attributes.subresource === "") return readNamespaced(node, attributes, related);
  if (attributes.verb !== "create" || attributes.name === "") return refuse("can only create tokens for individual service accounts");
  if (attributes.subresource !== "token") return refuse("can only create token subresource of serviceaccount");
  return related(node, attributes) ? allow : unrelated(node);
}

const ownVerbs: readonly string[] = ["get", "create", "update", "patch", "delete"];
const leaseNamespace = "kube-node-lease";

/** The name of an object is not known when it is created; the NodeRestriction admission plugin checks it then. */
function lease(node: string, { verb, namespace, name }: Attributes): Decision {
  if (!ownVerbs.includes(verb)) return refuse("can only get, create, update, patch, or delete a node lease");
  if (namespace !== leaseNamespace) return refuse(`can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`);
  if (verb !== "create" && name !== node) return refuse("can only access node lease with the same name as the requesting node");
  return allow;
}

function csiNode(node: string, { verb, subresource, name }: Attributes): Decision {
  if (!ownVerbs.includes(verb)) return refuse("can only get, create, update, patch, or delete a CSINode");
  if (subresource !== "") return refuse("cannot authorize CSINode subresources");
  if (verb !== "create" && name !== node) return refuse("can only access CSINode with the same name as the requesting node");
  return allow;
}

/** Whether a field selector ("spec.nodeName=n1,status.phase!=Failed") demands that a field has this value. */
export const selectsField = (selector: string | undefined, field: string, value: string): boolean =>
  (selector ?? "").split(",").some((part) => {
    const [, key, wanted] = /^\s*([^=!\s]+)\s*==?\s*(.*?)\s*$/.exec(part) ?? [];
    return key === field && wanted === value;
  });

function resourceSlice(node: string, attributes: Attributes, related: Related): Decision {
  if (attributes.subresource !== "") return refuse("cannot authorize ResourceSlice subresources");
  switch (attributes.verb) {
    case "create": return allow;
    case "get": case "update": case "patch": case "delete": return ifRelated(node, attributes, related);
    case "watch": case "list": case "deletecollection":
      return selectsField(attributes.fieldSelector, "spec.nodeName", node) ? allow : refuse("can only list/watch/deletecollection resourceslices with nodeName field selector");
    default: return refuse("only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection");
  }
}

function ownNode(node: string, { verb, subresource, name }: Attributes): Decision {
  if (subresource === "status") return verb === "update" || verb === "patch" ? allow : refuse("");
  if (subresource !== "") return refuse("");
  switch (verb) {
    case "create": case "update": case "patch": return allow;
    case "get": case "list": case "watch":
      if (name === node) return allow;
      return refuse(name === "" ? `node '${node}' cannot read all nodes, only its own Node object` : `node '${node}' cannot read '${name}', only its own Node object`);
    default: return refuse("");
  }
}

function pod(node: string, attributes: Attributes, related: Related): Decision {
  const { verb, subresource, name } = attributes;
  switch (subresource) {
    case "":
      switch (verb) {
        case "get": return getOne(node, attributes, related);
        case "list": case "watch":
          if (selectsField(attributes.fieldSelector, "spec.nodeName", node)) return allow;
          return name === "" ? refuse("can only list/watch pods with spec.nodeName field selector") : ifRelated(node, attributes, related);
        case "create": case "delete": return allow;
        default: return refuse("");
      }
    case "status": return verb === "update" || verb === "patch" ? allow : refuse("");
    case "eviction": return verb === "create" ? allow : refuse("");
    default: return refuse("");
  }
}
