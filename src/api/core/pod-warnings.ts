import { isQuantity, quantityMilliValue } from "../../apimachinery/quantity.ts";
import { dns1123LabelErrors, ipWarnings } from "../../apimachinery/validation.ts";
import type { ContainerPort, Pod, PodSpec, PodTemplateSpec } from "../generated/core-v1.ts";
import type { ObjectMeta } from "../../apimachinery/object.ts";
import { semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { appArmorPrefix, appArmorProfileOf } from "./app-armor.ts";
import { deprecatedNodeLabels } from "./deprecated-node-labels.ts";
import { volumePathWarnings } from "./volume-path-warnings.ts";
import { allContainers } from "./pod-spec/containers.ts";

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
  "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
  "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
};
const deprecatedVolumes = [
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
] as const;

const fractional = (resources: Readonly<Record<string, string>> | undefined, path: string): string[] =>
  ["memory", "ephemeral-storage"].flatMap((name) => {
    const amount = resources?.[name];
    return amount !== undefined && isQuantity(`${amount}`) && quantityMilliValue(amount) % 1000 !== 0
      ? [`${path}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`] : [];
  });

function duplicates(items: readonly string[], warn: (index: number, item: string) => string): string[] {
  return items.flatMap((item, index) => (items.indexOf(item) < index ? [warn(index, item)] : []));
}

/** Variables that an earlier one of the same name cannot be seen through. */
function environmentWarnings(spec: PodSpec, path: string): readonly string[] {
  const found: string[] = [];
  for (const { container, path: at } of allContainers(spec, path)) {
    const { env = [] } = container;
    if (env.length < 2) continue;
    const seen = new Set<string>();
    for (const [index, { name, value = "", valueFrom }] of env.entries()) {
      const reference = `$(${name})`;
      if (seen.has(name) && (valueFrom || value === reference || !value.includes(reference))) {
        found.push(`${at}.env[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`);
      }
      seen.add(name);
    }
  }
  return found;
}

function portWarnings(spec: PodSpec, path: string): readonly string[] {
  const all = allContainers(spec, path).flatMap(({ container, path: at }) => (container.ports ?? []).map((port, index) => ({ port, at: `${at}.ports[${index}]` })));
  if (all.length < 2) return [];
  const ports = new Map<string, { readonly at: string; readonly port: ContainerPort }[]>();
  const names = new Map<string, string>();
  const found: string[] = [];
  for (const { port, at } of all) {
    const { hostIP = "", hostPort = 0, containerPort, protocol } = port;
    const key = `${containerPort}/${protocol}`;
    for (const other of ports.get(key) ?? []) {
      const [otherIP, otherPort] = [other.port.hostIP ?? "", other.port.hostPort ?? 0];
      if (hostIP === otherIP && hostPort === otherPort) found.push(`${at}: duplicate port definition with ${other.at}`);
      else if (hostPort === 0 || otherPort === 0) found.push(`${at}: overlapping port definition with ${other.at}`);
      else if (hostPort === otherPort && (hostIP === "") !== (otherIP === "")) found.push(`${at}: dangerously ambiguous port definition with ${other.at}`);
    }
    ports.set(key, [...(ports.get(key) ?? []), { at, port }]);
  }
  for (const { port, at } of all) {
    if ((port.name ?? "") === "") continue;
    const other = names.get(port.name ?? "");
    if (other === undefined) names.set(port.name ?? "", at);
    else found.push(`${at}: duplicate port name ${JSON.stringify(port.name)} with ${other}, services and probes that select ports by name will use ${other}`);
  }
  return found;
}

function affinityWarnings(spec: PodSpec, path: string): readonly string[] {
  const nothing = "a null labelSelector results in matching no pod";
  if (!spec.affinity) return [];
  const found: string[] = [];
  for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
    const affinity = spec.affinity?.[kind];
    for (const [index, { labelSelector }] of (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (labelSelector === undefined) found.push(`${path}.affinity.${kind}.requiredDuringSchedulingIgnoredDuringExecution[${index}].labelSelector: ${nothing}`);
    }
    for (const [index, { podAffinityTerm }] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (podAffinityTerm?.labelSelector === undefined) found.push(`${path}.affinity.${kind}.preferredDuringSchedulingIgnoredDuringExecution[${index}].podAffinityTerm.labelSelector: ${nothing}`);
    }
  }
  return found;
}

const appArmorWarning = (container: string, prefix: string): string =>
  `${prefix}metadata.annotations[${appArmorPrefix}${container}]: deprecated since v1.30; use the "appArmorProfile" field instead`;

/** Of a new pod, annotations that were needed, or that say nothing valid. */
function appArmorWarnings(spec: PodSpec, { annotations = {} }: ObjectMeta): readonly string[] {
  if (spec.os?.name === "windows") return [];
  const found: string[] = [];
  for (const { container } of allContainers(spec, "")) {
    const annotation = annotations[`${appArmorPrefix}${container.name}`];
    if (annotation === undefined) continue;
    const [profile, field] = [appArmorProfileOf(annotation), container.securityContext?.appArmorProfile];
    // The field was filled from the annotation, unless it says the same as that of the pod.
    if (profile === undefined ? field === undefined : field !== undefined && semanticallyEqual(profile, field)) found.push(appArmorWarning(container.name, ""));
  }
  return found;
}

/** Profiles that were named in annotations before there were fields for them. */
function securityAnnotationWarnings(spec: PodSpec, { annotations = {} }: ObjectMeta, prefix: string): readonly string[] {
  if (Object.keys(annotations).length === 0) return [];
  const useField = 'non-functional in v1.27+; use the "seccompProfile" field instead';
  const pod = "seccomp.security.alpha.kubernetes.io/pod";
  const found: string[] = [];
  if (!spec.securityContext?.seccompProfile && annotations[pod] !== undefined) found.push(`${prefix}metadata.annotations[${pod}]: ${useField}`);
  for (const { container } of allContainers(spec, "")) {
    const key = `container.seccomp.security.alpha.kubernetes.io/${container.name}`;
    if (!container.securityContext?.seccompProfile && annotations[key] !== undefined) found.push(`${prefix}metadata.annotations[${key}]: ${useField}`);
    // A pod's own annotations have become fields by now; `appArmorWarnings` speaks of them.
    if (prefix === "" || container.securityContext?.appArmorProfile) continue;
    const profile = annotations[`${appArmorPrefix}${container.name}`];
    if (profile !== undefined && !(spec.securityContext?.appArmorProfile && semanticallyEqual(appArmorProfileOf(profile), spec.securityContext.appArmorProfile))) found.push(appArmorWarning(container.name, prefix));
  }
  return found;
}

/** What is allowed, and most likely not meant. `prefix` is the path of the template ("" for a pod). */
export function podSpecWarnings(spec: PodSpec, metadata: ObjectMeta, prefix: string): readonly string[] {
  const path = `${prefix}spec`;
  const found: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {})) if (deprecatedNodeLabels[key] !== undefined) found.push(`${path}.nodeSelector[${key}]: ${deprecatedNodeLabels[key]}`);
  for (const [index, { topologyKey, labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const at = `${path}.topologySpreadConstraints[${index}]`;
    if (deprecatedNodeLabels[topologyKey] !== undefined) found.push(`${at}.topologyKey: ${topologyKey} is ${deprecatedNodeLabels[topologyKey]}`);
    if (labelSelector === undefined) found.push(`${at}.labelSelector: a null labelSelector results in matching no pod`);
  }
  if (metadata.annotations) for (const [key, message] of Object.entries(deprecatedAnnotations)) if (key in metadata.annotations) found.push(`${prefix}metadata.annotations[${key}]: ${message}`);
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    if (volume.projected) continue; // A volume is of one kind, and this one is not deprecated.
    for (const [field, shown, message] of deprecatedVolumes) if (volume[field]) found.push(`${path}.volumes[${index}].${shown}: ${message}`);
  }
  addAll(found, volumePathWarnings(spec.volumes ?? []));
  addAll(found, duplicates((spec.hostAliases ?? []).map(({ ip }) => ip), (index, ip) => `${path}.hostAliases[${index}].ip: duplicate ip ${JSON.stringify(ip)}`));
  const secrets = (spec.imagePullSecrets ?? []).map(({ name = "" }) => name);
  addAll(found, duplicates(secrets, (index, name) => `${path}.imagePullSecrets[${index}].name: duplicate name ${JSON.stringify(name)}`));
  for (const [index, name] of secrets.entries()) if (name === "") found.push(`${path}.imagePullSecrets[${index}].name: invalid empty name ""`);
  addAll(found, fractional(spec.overhead, `${path}.overhead`));
  addAll(found, securityAnnotationWarnings(spec, metadata, prefix));
  for (const { container, path: at } of allContainers(spec, path)) {
    addAll(found, fractional(container.resources?.limits, `${at}.resources.limits`));
    addAll(found, fractional(container.resources?.requests, `${at}.resources.requests`));
  }
  addAll(found, environmentWarnings(spec, path));
  addAll(found, portWarnings(spec, path));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) found.push(`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`);
  addAll(found, affinityWarnings(spec, path));
  for (const [index, address] of (spec.dnsConfig?.nameservers ?? []).entries()) addAll(found, ipWarnings(`${path}.dnsConfig.nameservers[${index}]`, address));
  for (const [index, { ip }] of (spec.hostAliases ?? []).entries()) addAll(found, ipWarnings(`${path}.hostAliases[${index}].ip`, ip));
  return found;
}

export function podWarnings({ spec, metadata }: Pod): readonly string[] {
  const problems = dns1123LabelErrors(metadata.name ?? "");
  return [
    ...(spec === undefined ? [] : appArmorWarnings(spec, metadata)),
    ...(problems.length > 0 ? [`metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${problems.join(" ")}]`] : []),
    ...(spec === undefined ? [] : podSpecWarnings(spec, metadata, "")),
  ];
}

export const templateWarnings = (template: PodTemplateSpec | undefined, path: string): readonly string[] =>
  template?.spec === undefined ? [] : [...podSpecWarnings(template.spec, template.metadata ?? {}, `${path}.`)];
