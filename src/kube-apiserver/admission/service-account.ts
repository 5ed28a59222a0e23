import { pods, serviceaccounts, type Container, type EphemeralContainer, type Pod, type ServiceAccount, type Volume, type VolumeMount } from "../../api/generated/core-v1.ts";
import { generateName } from "../../apimachinery/names.ts";
import { notFoundError } from "../../apimachinery/status-error.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Random } from "../../stdx/random.ts";
import type { AdmissionPlugin, AdmissionRequest, ClusterReader } from "../access.ts";
import { isMirrorPod, podReferences } from "../authorization/pod-references.ts";
import { isResource, refuse } from "./plugin.ts";

const defaultName = "default";
const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const volumePrefix = "kube-api-access-";
const enforceMountableAnnotation = "kubernetes.io/enforce-mountable-secrets";
/** Upstream's mark for tokens that every pod gets: an hour and seven seconds, which kubelets and servers know to treat kindly. */
const tokenSeconds = 3_607;
const defaultMode = 0o644;

/** The default account of a new namespace is made by a controller: pods that come first wait for it. */
const defaultAccountWaitMsMax = 2_000;
const defaultAccountPollMs = 25;

export interface ServiceAccountOptions {
  readonly cluster: ClusterReader;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Gives each pod a service account, its pull secrets, and a volume with a token for it. */
export function serviceAccount(options: ServiceAccountOptions): AdmissionPlugin {
  const lookUp = async (request: AdmissionRequest, name: string): Promise<ServiceAccount> => {
    const found = await findAccount(options, request.namespace, name);
    if (found) return found;
    const { message } = notFoundError({ group: "", resource: "serviceaccount" }, name);
    throw refuse(request, `error looking up service account ${request.namespace}/${name}: ${message}`);
  };
  return {
    name: "ServiceAccount",
    handles: (operation, type, subresource) =>
      isResource(type, pods) && ((operation === "CREATE" && subresource === "") || (operation === "UPDATE" && subresource === "ephemeralcontainers")),

    async mutate(request) {
      const pod = request.object as Pod;
      if (request.operation !== "CREATE" || isMirrorPod(pod) || !pod.spec) return pod;
      const given = pod.spec.serviceAccountName ?? "";
      const name = given === "" ? defaultName : given;
      const account = await lookUp(request, name);
      const named: Pod = { ...pod, spec: { ...pod.spec, serviceAccountName: name, serviceAccount: name } };
      return withPullSecrets(shouldMount(account, named) ? withToken(named, options.random) : named, account);
    },

    async validate(request) {
      const pod = request.object as Pod;
      if (request.operation === "CREATE" && isMirrorPod(pod)) return checkMirrorPod(request, pod);
      const name = pod.spec?.serviceAccountName ?? "";
      if (name === "") throw refuse(request, `no service account specified for pod ${request.namespace}/${pod.metadata.name ?? ""}`);
      const account = await lookUp(request, name);
      if (!/^(1|t|T|TRUE|true|True)$/.test(account.metadata.annotations?.[enforceMountableAnnotation] ?? "")) return;
      const problem = unmountable(pod, account, { ephemeralOnly: request.operation === "UPDATE" });
      if (problem !== undefined) throw refuse(request, problem);
    },
  };
}

async function findAccount({ cluster, clock, signal }: ServiceAccountOptions, namespace: string, name: string): Promise<ServiceAccount | undefined> {
  const untilMs = clock.now() + (name === defaultName ? defaultAccountWaitMsMax : 0);
  for (;;) {
    const found = cluster.get(serviceaccounts, namespace, name);
    if (found || clock.now() >= untilMs) return found;
    await clock.sleep(defaultAccountPollMs, { signal });
  }
}

const shouldMount = (account: ServiceAccount, pod: Pod): boolean => pod.spec?.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;

function withPullSecrets(pod: Pod, { imagePullSecrets = [] }: ServiceAccount): Pod {
  if (!pod.spec || (pod.spec.imagePullSecrets?.length ?? 0) > 0 || imagePullSecrets.length === 0) return pod;
  return { ...pod, spec: { ...pod.spec, imagePullSecrets: imagePullSecrets.map(({ name = "" }) => ({ name })) } };
}

/** A container that mounts something else at the token's place keeps it; when all do, no volume is added. */
function withToken(pod: Pod, random: Random): Pod {
  const { spec } = pod;
  if (!spec) return pod;
  // Plugins come before validation: a pod may lack what it must have.
  const { containers = [] } = spec;
  const existing = spec.volumes?.find(({ name: own = "" }) => own.startsWith(volumePrefix));
  const name = existing?.name ?? generateName(volumePrefix, random);
  const mount: VolumeMount = { name, readOnly: true, mountPath };
  const lacks = ({ volumeMounts = [] }: Container): boolean => !volumeMounts.some((each) => each.mountPath === mountPath);
  const mounted = (container: Container): Container => (lacks(container) ? { ...container, volumeMounts: [...container.volumeMounts ?? [], mount] } : container);
  const needed = [...spec.initContainers ?? [], ...containers].some(lacks);
  return {
    ...pod,
    spec: {
      ...spec,
      containers: containers.map(mounted),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(mounted) }),
      ...(needed && !existing && { volumes: [...spec.volumes ?? [], tokenVolume(name)] }),
    },
  };
}

/** One for all pods: nobody changes an object, and there are many pods. */
const tokenSource = {
  defaultMode,
  sources: [
    { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
    { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
  ],
} satisfies Volume["projected"];
const tokenVolume = (name: string): Volume => ({ name, projected: tokenSource });

function checkMirrorPod(request: AdmissionRequest, pod: Pod): void {
  if ((pod.spec?.serviceAccountName ?? "") !== "") throw refuse(request, "a mirror pod may not reference service accounts");
  if (podReferences(pod).secrets.size > 0) throw refuse(request, "a mirror pod may not reference secrets");
  if (pod.spec?.volumes?.some(({ projected }) => projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined))) {
    throw refuse(request, "a mirror pod may not use ServiceAccountToken volume projections");
  }
}

/** What keeps a pod from using a secret that its account does not list, for accounts that ask for this. */
function unmountable({ spec }: Pod, { metadata: { name: account = "" }, secrets = [], imagePullSecrets = [] }: ServiceAccount, { ephemeralOnly }: { readonly ephemeralOnly: boolean }): string | undefined {
  const [mountable, pullable] = [secrets, imagePullSecrets].map((list) => new Set(list.map(({ name }) => name)));
  const ending = `is not allowed because service account ${account} does not reference that`;
  const inContainers = (kind: string, containers: readonly (Container | EphemeralContainer)[] = []): string | undefined => {
    for (const { name, env = [], envFrom = [] } of containers) {
      for (const { name: variable, valueFrom } of env) {
        const secret = valueFrom?.secretKeyRef?.name;
        if (valueFrom?.secretKeyRef && !mountable?.has(secret)) return `${kind} ${name} with envVar ${variable} referencing secret.secretName="${secret ?? ""}" ${ending} secret`;
      }
      for (const { secretRef } of envFrom) {
        if (secretRef && !mountable?.has(secretRef.name)) return `${kind} ${name} with envFrom referencing secret.secretName="${secretRef.name ?? ""}" ${ending} secret`;
      }
    }
    return undefined;
  };
  if (ephemeralOnly) return inContainers("ephemeral container", spec?.ephemeralContainers);
  const volume = spec?.volumes?.find(({ secret }) => secret && !mountable?.has(secret.secretName));
  if (volume) return `volume with secret.secretName="${volume.secret?.secretName ?? ""}" ${ending} secret`;
  const pull = spec?.imagePullSecrets?.findIndex(({ name }) => !pullable?.has(name)) ?? -1;
  return inContainers("init container", spec?.initContainers) ?? inContainers("container", spec?.containers) ??
    (pull < 0 ? undefined : `imagePullSecrets[${pull}].name="${spec?.imagePullSecrets?.[pull]?.name ?? ""}" ${ending} imagePullSecret`);
}
