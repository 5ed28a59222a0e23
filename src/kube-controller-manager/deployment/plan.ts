import type { Deployment, ReplicaSet } from "../../api/generated/apps-v1.ts";
import type { Pod, PodTemplateSpec } from "../../api/generated/core-v1.ts";
import { templateHash } from "../../apimachinery/hash.ts";
import { equal } from "../../stdx/equal.ts";
import { controllerReference } from "../shared/owner.ts";
import { isFinished } from "../shared/pods.ts";
import { annotationsOfNewSet, desiredReplicasOf, revisionOf, withReplicas } from "./annotations.ts";
import { isRolling, limitsOf, oldestFirst, replicasOf, scaleProportionally, shrinkOldSets, sizeOfNewSet, totalOfStatus, type Sizes } from "./scale.ts";
import { isComplete } from "./status.ts";

export const hashLabel = "pod-template-hash";
/** Names of objects may have 253 characters; the dash and the hash need theirs. */
const nameCharsMax = 253;

export interface ScaleOf { readonly set: ReplicaSet; readonly from: number; readonly to: number }
/** One step of a Deployment towards its spec. The next step is planned when this one has been seen. */
export interface DeploymentPlan {
  readonly create?: ReplicaSet;
  readonly update: readonly { readonly next: ReplicaSet; readonly scaled?: ScaleOf }[];
  readonly remove: readonly ReplicaSet[];
  /** Only while paused or scaling: progress is not judged then. */
  readonly judgesProgress: boolean;
}
const nothing: DeploymentPlan = { update: [], remove: [], judgesProgress: true };

/** Templates are the same when they differ in nothing but the hash that this controller adds. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return equal(withoutHash(a), withoutHash(b));
}
function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  const { creationTimestamp: __, labels: ___, ...metadata } = template?.metadata ?? {};
  return { metadata: { ...metadata, ...(Object.keys(labels).length > 0 && { labels }) }, ...(template?.spec && { spec: template.spec }) };
}

export interface OwnSets { readonly newSet: ReplicaSet | undefined; readonly old: readonly ReplicaSet[] }
export function splitSets(deployment: Deployment, sets: readonly ReplicaSet[]): OwnSets {
  const newSet = oldestFirst(sets).find((set) => sameTemplate(set.spec?.template, deployment.spec?.template));
  return { newSet, old: sets.filter((set) => set !== newSet) };
}

export const nextRevision = (old: readonly ReplicaSet[]): bigint => old.map(revisionOf).reduce((highest, each) => (each > highest ? each : highest), 0n) + 1n;

export function planDeployment(deployment: Deployment, sets: readonly ReplicaSet[], podsOf: (set: ReplicaSet) => readonly Pod[]): DeploymentPlan {
  if (deployment.metadata.deletionTimestamp !== undefined) return { ...nothing, judgesProgress: false };
  const { newSet, old } = splitSets(deployment, sets);
  const synced = newSet && syncNewSet(deployment, newSet, old);
  if (synced) return { ...nothing, update: [{ next: synced }] };

  if (deployment.spec?.paused === true) return { ...planScaling(deployment, newSet, old), remove: planCleanup(deployment, old) };
  const isScaling = sets.some((set) => replicasOf(set) > 0 && (desiredReplicasOf(set) ?? replicasOf(deployment)) !== replicasOf(deployment));
  if (isScaling) return planScaling(deployment, newSet, old);
  return isRolling(deployment) ? planRolling(deployment, newSet, old) : planRecreate(deployment, newSet, old, podsOf);
}

/** The set of the present template carries the Deployment's annotations, the highest revision and its minReadySeconds. */
function syncNewSet(deployment: Deployment, newSet: ReplicaSet, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const annotations = annotationsOfNewSet(deployment, newSet.metadata.annotations, nextRevision(old));
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  if (equal(annotations, newSet.metadata.annotations ?? {}) && (newSet.spec?.minReadySeconds ?? 0) === minReadySeconds) return undefined;
  return { ...newSet, metadata: { ...newSet.metadata, annotations }, ...(newSet.spec && { spec: { ...newSet.spec, minReadySeconds } }) };
}

function planScaling(deployment: Deployment, newSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): DeploymentPlan {
  const { sizes, annotateAll } = scaleProportionally(deployment, newSet, old);
  return { ...nothing, update: resize(deployment, [...old, ...(newSet ? [newSet] : [])], sizes, annotateAll), judgesProgress: false };
}

function planRolling(deployment: Deployment, newSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): DeploymentPlan {
  if (!newSet) return { ...nothing, create: makeSet(deployment, old) };
  const size = replicasOf(newSet) > replicasOf(deployment) ? replicasOf(deployment) : sizeOfNewSet(deployment, [...old, newSet], replicasOf(newSet));
  const grown = resize(deployment, [newSet], new Map([[newSet.metadata.name ?? "", size]]), false);
  if (grown.length > 0) return { ...nothing, update: grown };
  const shrunk = resize(deployment, old, shrinkOldSets(deployment, newSet, old), false);
  if (shrunk.length > 0) return { ...nothing, update: shrunk };
  return { ...nothing, remove: isComplete(deployment, deployment.status ?? {}) ? planCleanup(deployment, old) : [] };
}

function planRecreate(deployment: Deployment, newSet: ReplicaSet | undefined, old: readonly ReplicaSet[], podsOf: (set: ReplicaSet) => readonly Pod[]): DeploymentPlan {
  const emptied = resize(deployment, old, new Map(old.map((set) => [set.metadata.name ?? "", 0])), false);
  if (emptied.length > 0) return { ...nothing, update: emptied };
  if (totalOfStatus(old, "replicas") > 0 || old.some((set) => podsOf(set).some((pod) => !isFinished(pod)))) return nothing;
  if (!newSet) return { ...nothing, create: makeSet(deployment, old) };
  const update = resize(deployment, [newSet], new Map([[newSet.metadata.name ?? "", replicasOf(deployment)]]), false);
  return { ...nothing, update, remove: update.length === 0 && isComplete(deployment, deployment.status ?? {}) ? planCleanup(deployment, old) : [] };
}

function resize(deployment: Deployment, sets: readonly ReplicaSet[], sizes: Sizes, annotateAll: boolean): DeploymentPlan["update"] {
  const desired = replicasOf(deployment);
  return sets.flatMap((set) => {
    const from = replicasOf(set);
    const to = sizes.get(set.metadata.name ?? "") ?? from;
    const annotations = withReplicas(set.metadata.annotations, desired, desired + limitsOf(deployment).maxSurge);
    const annotates = annotateAll && sizes.has(set.metadata.name ?? "") && !equal(annotations, set.metadata.annotations ?? {});
    if ((from === to && !annotates) || !set.spec) return [];
    const next: ReplicaSet = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas: to } };
    return [from === to ? { next } : { next, scaled: { set, from, to } }];
  });
}

function makeSet(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet {
  const { name = "", namespace = "" } = deployment.metadata;
  const { selector = {}, template = {}, minReadySeconds } = deployment.spec ?? {};
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const desired = replicasOf(deployment);
  return {
    apiVersion: "apps/v1", kind: "ReplicaSet",
    metadata: {
      name: `${name.slice(0, nameCharsMax - hash.length - 1)}-${hash}`, namespace, labels,
      annotations: withReplicas(annotationsOfNewSet(deployment, undefined, nextRevision(old)), desired, desired + limitsOf(deployment).maxSurge),
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: sizeOfNewSet(deployment, old, 0),
      ...(minReadySeconds !== undefined && minReadySeconds > 0 && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Old, empty and settled sets beyond the history limit, lowest revisions first. */
function planCleanup(deployment: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const alive = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined).toSorted((a, b) => Number(revisionOf(a) - revisionOf(b)) || ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1));
  const surplus = alive.length - (deployment.spec?.revisionHistoryLimit ?? 10);
  return alive.slice(0, Math.max(surplus, 0)).filter(({ status, metadata, ...set }) =>
    (status?.replicas ?? 0) === 0 && set.spec?.replicas === 0 && (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0));
}
