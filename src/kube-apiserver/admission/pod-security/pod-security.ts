import { namespaces, pods, type Namespace, type Pod, type PodTemplateSpec } from "../../../api/generated/core-v1.ts";
import { invalid, type FieldError } from "../../../apimachinery/field-error.ts";
import type { KubeObject, ResourceType } from "../../../apimachinery/object.ts";
import { invalidError } from "../../../apimachinery/status-error.ts";
import { equal } from "../../../stdx/equal.ts";
import type { AdmissionPlugin, ClusterReader } from "../../access.ts";
import { isResource, refuse } from "../plugin.ts";
import { baselineChecks } from "./baseline.ts";
import { containersOf, type PodCheck, type Violation } from "./pod-check.ts";
import { restrictedChecks } from "./restricted.ts";

const levels = ["privileged", "baseline", "restricted"] as const;
type Level = (typeof levels)[number];
const modes = ["enforce", "audit", "warn"] as const;
const label = (mode: (typeof modes)[number], version = false): string => `pod-security.kubernetes.io/${mode}${version ? "-version" : ""}`;

/** "latest" is this release. */
const latestMinor = 36;

interface Policy {
  readonly level: Level;
  /** As the label says it: "latest" or "v1.31". */
  readonly version: string;
}

const isLevel = (text: string): text is Level => (levels as readonly string[]).includes(text);
const versionPattern = /^v1\.(0|[1-9]\d{0,8})$/;
const isVersion = (text: string): boolean => text === "latest" || versionPattern.test(text);
const minorOf = (version: string): number => Math.min(Number(versionPattern.exec(version)?.[1] ?? latestMinor), latestMinor);

/**
 * What a namespace's labels demand. A level to enforce that does not exist counts as the strictest, so that a typing error opens nothing. Who sets
 * a level to enforce is warned by it too, unless they say otherwise.
 */
function policiesFrom({ metadata: { labels = {} } }: Namespace): Policies {
  const versionOf = (mode: "enforce" | "warn"): string => {
    const given = labels[label(mode, true)];
    return given !== undefined && isVersion(given) ? given : "latest";
  };
  const [given, warnGiven] = [labels[label("enforce")] ?? "privileged", labels[label("warn")]];
  const enforce: Policy = { level: isLevel(given) ? given : "restricted", version: versionOf("enforce") };
  if (warnGiven !== undefined) return { enforce, warn: { level: isLevel(warnGiven) ? warnGiven : "privileged", version: versionOf("warn") } };
  const follows = isLevel(given) && labels[label("warn", true)] === undefined;
  return { enforce, warn: { level: isLevel(given) ? given : "privileged", version: follows ? enforce.version : versionOf("warn") } };
}

interface Policies { readonly enforce: Policy; readonly warn: Policy }
/** Namespaces are many pods' and seldom change; what changes is another object. */
const known = new WeakMap<Namespace, Policies>();
function policiesOf(namespace: Namespace): Policies {
  let policies = known.get(namespace);
  if (!policies) known.set(namespace, (policies = policiesFrom(namespace)));
  return policies;
}

const labelErrors = ({ metadata: { labels = {} } }: Namespace): readonly FieldError[] => modes.flatMap((mode) => {
  const [level, version] = [labels[label(mode)], labels[label(mode, true)]];
  return [
    ...(level !== undefined && !isLevel(level) ? [invalid(`metadata.labels[${label(mode)}]`, level, `must be one of ${levels.join(", ")}`)] : []),
    ...(version !== undefined && !isVersion(version) ? [invalid(`metadata.labels[${label(mode, true)}]`, version, 'must be "latest" or "v1.x"')] : []),
  ];
});

/** Baseline checks first, then restricted ones, each by id; what a restricted check covers is not asked twice. */
function checksOf({ level, version }: Policy): readonly PodCheck[] {
  if (level === "privileged") return [];
  const minor = minorOf(version);
  const applies = ({ since, until = Infinity }: PodCheck): boolean => since <= minor && minor < until;
  const [baseline, restricted] = [baselineChecks.filter(applies), restrictedChecks.filter(applies)];
  return level === "baseline" ? baseline : [...baseline.filter(({ id }) => !restricted.some(({ overrides }) => overrides === id)), ...restricted];
}

/** What of a pod violates a policy. */
export const violations = (policy: Policy, pod: Pod): readonly Violation[] =>
  pod.spec ? checksOf(policy).flatMap(({ check }) => (pod.spec ? check(pod.spec, pod) ?? [] : [])) : [];

/** Only new images and new containers are looked at again: everything else of a pod that matters cannot change. */
function changesContainers({ spec }: Pod, old: Pod): boolean {
  const imagesOf = (pod: Pod): readonly string[] => (pod.spec ? containersOf(pod.spec).map(({ name, image = "" }) => `${name} ${image}`) : []);
  return spec !== undefined && !equal(imagesOf({ ...old, spec }), imagesOf(old));
}

const describe = (violated: readonly Violation[]): string => violated.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ");
const policyText = ({ level, version }: Policy): string => JSON.stringify(`${level}:${version}`);

/** Kinds that make pods later on: who writes them is warned at once, and the pods are refused when they come. */
const templateKinds: readonly Pick<ResourceType, "group" | "plural">[] = [
  { group: "", plural: "replicationcontrollers" }, { group: "", plural: "podtemplates" }, { group: "apps", plural: "replicasets" }, { group: "apps", plural: "deployments" },
  { group: "apps", plural: "statefulsets" }, { group: "apps", plural: "daemonsets" }, { group: "batch", plural: "jobs" }, { group: "batch", plural: "cronjobs" },
];

/** The pod that a workload's template describes. */
function templatePod(object: KubeObject): Pod | undefined {
  const { template, spec } = object as { readonly template?: PodTemplateSpec; readonly spec?: { readonly template?: PodTemplateSpec; readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplateSpec } } } };
  const found = template ?? spec?.jobTemplate?.spec?.template ?? spec?.template;
  return found?.spec && { apiVersion: "v1", kind: "Pod", metadata: found.metadata ?? {}, spec: found.spec };
}

/**
 * The Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/), as labels of a namespace ask for them. Pods that
 * violate the level to enforce are refused; those that violate the level to warn of, and templates of such pods, are answered with a warning.
 */
export const podSecurity = (cluster: ClusterReader): AdmissionPlugin => ({
  name: "PodSecurity",
  handles: (operation, type, subresource) => {
    if (operation !== "CREATE" && operation !== "UPDATE") return false;
    if (isResource(type, pods)) return ["", "ephemeralcontainers", "resize"].includes(subresource);
    return subresource === "" && (isResource(type, namespaces) || templateKinds.some((each) => isResource(type, each)));
  },
  validate(request) {
    const { object, oldObject, type, namespace, name, warn } = request;
    if (isResource(type, namespaces)) {
      const errors = labelErrors(object as Namespace);
      if (errors.length > 0 && (!oldObject || !equal(errors, labelErrors(oldObject as Namespace)))) throw invalidError({ group: "", kind: "Namespace" }, name, errors);
      return;
    }
    const found = cluster.get(namespaces, "", namespace);
    if (!found || !object) return;
    const policies = policiesOf(found);
    const isPod = isResource(type, pods);
    const pod = isPod ? object as Pod : templatePod(object);
    if (!pod || (isPod && oldObject && !changesContainers(pod, oldObject as Pod))) return;
    const violated = isPod ? violations(policies.enforce, pod) : [];
    if (violated.length > 0) throw refuse(request, `violates PodSecurity ${policyText(policies.enforce)}: ${describe(violated)}`);
    const warned = warn ? violations(policies.warn, pod) : [];
    if (warned.length > 0) warn?.(`would violate PodSecurity ${policyText(policies.warn)}: ${describe(warned)}`);
  },
});
