import type { Container, EphemeralContainer, Pod, Volume } from "../../api/generated/core-v1.ts";

/** The names of other objects that one pod refers to, each in the pod's own namespace. */
export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  readonly resourceClaims: ReadonlySet<string>;
  readonly serviceAccount: string;
}

export const mirrorPodAnnotation = "kubernetes.io/config.mirror";
export const isMirrorPod = ({ metadata }: Pod): boolean => metadata.annotations?.[mirrorPodAnnotation] !== undefined;

const known = new WeakMap<Pod, PodReferences>();

/** Computed once per version of a pod: objects are never changed in place. */
export function podReferences(pod: Pod): PodReferences {
  const found = known.get(pod);
  if (found) return found;
  const references = collect(pod);
  known.set(pod, references);
  return references;
}

export const allContainers = ({ spec }: Pod): readonly (Container | EphemeralContainer)[] => [
  ...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? []),
];

function collect(pod: Pod): PodReferences {
  const [secrets, configMaps, claims, resourceClaims] = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  const add = (set: Set<string>, name: string | undefined): void => {
    if (name !== undefined && name !== "") set.add(name);
  };
  for (const { name } of pod.spec?.imagePullSecrets ?? []) add(secrets, name);
  for (const { env = [], envFrom = [] } of allContainers(pod)) {
    for (const { secretRef, configMapRef } of envFrom) {
      add(secrets, secretRef?.name);
      add(configMaps, configMapRef?.name);
    }
    for (const { valueFrom } of env) {
      add(secrets, valueFrom?.secretKeyRef?.name);
      add(configMaps, valueFrom?.configMapKeyRef?.name);
    }
  }
  for (const volume of pod.spec?.volumes ?? []) {
    for (const name of secretsOfVolume(volume)) add(secrets, name);
    add(configMaps, volume.configMap?.name);
    for (const { configMap } of volume.projected?.sources ?? []) add(configMaps, configMap?.name);
    add(claims, claimOfVolume(pod, volume));
  }
  for (const { resourceClaimName } of pod.spec?.resourceClaims ?? []) add(resourceClaims, resourceClaimName);
  for (const { resourceClaimName } of pod.status?.resourceClaimStatuses ?? []) add(resourceClaims, resourceClaimName);
  add(resourceClaims, pod.status?.extendedResourceClaimStatus?.resourceClaimName);
  return { secrets, configMaps, claims, resourceClaims, serviceAccount: pod.spec?.serviceAccountName ?? "" };
}

/** An ephemeral volume's claim is named after pod and volume. */
export const claimOfVolume = (pod: Pod, { persistentVolumeClaim, ephemeral, name }: Volume): string | undefined =>
  persistentVolumeClaim?.claimName ?? (ephemeral && `${pod.metadata.name ?? ""}-${name}`);

const secretsOfVolume = ({ secret, azureFile, cephfs, cinder, flexVolume, projected, rbd, scaleIO, iscsi, storageos, csi }: Volume): readonly (string | undefined)[] => [
  secret?.secretName, azureFile?.secretName, cephfs?.secretRef?.name, cinder?.secretRef?.name, flexVolume?.secretRef?.name, rbd?.secretRef?.name,
  scaleIO?.secretRef?.name, iscsi?.secretRef?.name, storageos?.secretRef?.name, csi?.nodePublishSecretRef?.name,
  ...(projected?.sources ?? []).map((source) => source.secret?.name),
];
