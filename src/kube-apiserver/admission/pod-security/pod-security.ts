import { namespaces, pods, type Namespace, type Pod } from "../../../api/generated/core-v1.ts";
import { invalid, type FieldError } from "../../../apimachinery/field-error.ts";
import { invalidError } from "../../../apimachinery/status-error.ts";
import { equal } from "../../../stdx/equal.ts";
import type { AdmissionPlugin, ClusterReader } from "../../access.ts";
import { isResource, refuse } from "../plugin.ts";
import { baselineChecks } from "./baseline.ts";
import type { PodCheck, Violation } from "./pod-check.ts";
import { containersOf } from "./pod-check.ts";
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

/** What a namespace's labels demand. A level that does not exist counts as the strictest, so that a typing error opens nothing. */
function enforcedPolicy({ metadata: { labels = {} } }: Namespace): Policy {
  const [level, version] = [labels[label("enforce")] ?? "privileged", labels[label("enforce", true)] ?? "latest"];
  return { level: isLevel(level) ? level : "restricted", version: isVersion(version) ? version : "latest" };
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
  const minor = minorOf(version);
  const applies = ({ since, until = Infinity }: PodCheck): boolean => since <= minor && minor < until;
  const [baseline, restricted] = [baselineChecks.filter(applies), restrictedChecks.filter(applies)];
  if (level === "privileged") return [];
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

/**
 * The Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/), as labels of a namespace ask for them. Pods that
 * violate the level to enforce are refused; the labels that only warn or audit are checked for their form.
 */
export const podSecurity = (cluster: ClusterReader): AdmissionPlugin => ({
  name: "PodSecurity",
  handles: (operation, type, subresource) => {
    if (operation !== "CREATE" && operation !== "UPDATE") return false;
    return isResource(type, namespaces) ? subresource === "" : isResource(type, pods) && ["", "ephemeralcontainers", "resize"].includes(subresource);
  },
  validate(request) {
    const { object, oldObject, type, namespace, name } = request;
    if (isResource(type, namespaces)) {
      const errors = labelErrors(object as Namespace);
      if (errors.length > 0 && (!oldObject || !equal(errors, labelErrors(oldObject as Namespace)))) throw invalidError({ group: "", kind: "Namespace" }, name, errors);
      return;
    }
    const found = cluster.get(namespaces, "", namespace);
    const policy = found ? enforcedPolicy(found) : undefined;
    const pod = object as Pod;
    if (!policy || policy.level === "privileged" || (oldObject && !changesContainers(pod, oldObject as Pod))) return;
    const violated = violations(policy, pod);
    if (violated.length === 0) return;
    const texts = violated.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`));
    throw refuse(request, `violates PodSecurity ${JSON.stringify(`${policy.level}:${policy.version}`)}: ${texts.join(", ")}`);
  },
});
