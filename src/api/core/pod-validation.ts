import { forbidden, invalid, type FieldError } from "../../apimachinery/field-error.ts";
import type { Pod, PodSpec } from "../generated/core-v1.ts";
import { absent, localDescendingPath } from "../checks.ts";
import { addAll } from "../../stdx/add-all.ts";
import { appArmorPrefix } from "./app-armor.ts";
import { allContainers } from "./pod-spec/containers.ts";
import { validatePodSpec } from "./pod-spec/validation.ts";
import { validateImageSpace } from "./pod-spec/validation-containers.ts";
import { validateTolerations } from "./pod-spec/validation-scheduling.ts";

export const mirrorAnnotation = "kubernetes.io/config.mirror";
const tolerationsAnnotation = "scheduler.alpha.kubernetes.io/tolerations";
const deletionCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const seccompPodAnnotation = "seccomp.security.alpha.kubernetes.io/pod";
const seccompContainerPrefix = "container.seccomp.security.alpha.kubernetes.io/";

function validateSeccompAnnotation(profile: string, path: string): readonly FieldError[] {
  if (profile === "runtime/default" || profile === "docker/default" || profile === "unconfined") return [];
  const errors: FieldError[] = [];
  if (profile.startsWith("localhost/")) addAll(errors, localDescendingPath(path, profile.slice("localhost/".length)));
  else errors.push(invalid(path, profile, "must be a valid seccomp profile"));
  return errors;
}

/** Annotations that mean something to Kubernetes. */
export function validatePodAnnotations(annotations: Readonly<Record<string, string>>, spec: PodSpec, path: string): readonly FieldError[] {
  const mirror = annotations[mirrorAnnotation];
  const errors: FieldError[] = [];
  if (mirror !== undefined && absent(spec.nodeName)) errors.push(invalid(`${path}[${mirrorAnnotation}]`, mirror, "must set spec.nodeName if mirror pod annotation is set"));
  const tolerations = annotations[tolerationsAnnotation];
  if (!absent(tolerations)) {
    const parsed = parsedList(tolerations);
    if (parsed === undefined) errors.push(invalid(path, tolerationsAnnotation, "invalid character in the list of tolerations"));
    else addAll(errors, validateTolerations(parsed, `${path}.${tolerationsAnnotation}`));
  }
  const cost = annotations[deletionCostAnnotation];
  if (cost !== undefined && !isCost(cost)) errors.push(invalid(`${path}[${deletionCostAnnotation}]`, cost, "must be a 32bit integer"));
  for (const [key, value] of Object.entries(annotations)) {
    if (key === seccompPodAnnotation || key.startsWith(seccompContainerPrefix)) addAll(errors, validateSeccompAnnotation(value, `${path}.${key}`));
    if (!key.startsWith(appArmorPrefix)) continue;
    const name = key.slice(appArmorPrefix.length);
    if (![...allContainers(spec, "spec")].some(({ container }) => container.name === name)) errors.push(invalid(`${path}[${key}]`, name, "container not found"));
    if (value !== "" && value !== "runtime/default" && value !== "unconfined" && !value.startsWith("localhost/")) {
      errors.push(invalid(`${path}[${key}]`, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`));
    }
  }
  return errors;
}

/** No sign and no leading zeros but those of zero itself, within 32 bits. */
const isCost = (text: string): boolean => /^(?:0|-?[1-9][0-9]*)$/.test(text) && Math.abs(Number(text)) <= 2 ** 31 - 1;

function parsedList(text: string): [] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as []) : undefined;
  } catch {
    return undefined;
  }
}

/** What holds for a pod at every write of its spec. */
export function validatePod(pod: Pod, previous?: Pod): readonly FieldError[] {
  const spec: PodSpec = pod.spec ?? { containers: [] };
  const annotations = pod.metadata.annotations ?? {};
  const errors: FieldError[] = [];
  addAll(errors, validatePodAnnotations(annotations, spec, "metadata.annotations"));
  addAll(errors, validatePodSpec(spec, "spec", { podName: pod.metadata.name ?? "", isPod: true, annotations, ...(previous?.spec && { previous: previous.spec }) }));
  if (absent(spec.serviceAccountName)) {
    for (const [index, { projected }] of (spec.volumes ?? []).entries()) {
      for (const [sourceIndex, source] of (projected?.sources ?? []).entries()) {
        if (source.serviceAccountToken) errors.push(forbidden(`spec.volumes[${index}].projected.sources[${sourceIndex}].serviceAccountToken`, "must not be specified when serviceAccountName is not set"));
      }
    }
  }
  for (const [index, container] of (spec.containers ?? []).entries()) addAll(errors, validateImageSpace(container, `spec.containers[${index}]`));
  for (const [index, container] of (spec.initContainers ?? []).entries()) addAll(errors, validateImageSpace(container, `spec.initContainers[${index}]`));
  return errors;
}

/** Profiles were once annotations; where both are given they must agree. */
function validateProfileAnnotations(pod: Pod): readonly FieldError[] {
  const { spec, metadata: { annotations = {} } } = pod;
  if (spec === undefined || Object.keys(annotations).length === 0) return [];
  const compare = (kind: "seccomp" | "apparmor", annotation: string | undefined, profile: { readonly type: string; readonly localhostProfile?: string } | undefined, path: string): readonly FieldError[] => {
    if (annotation === undefined || profile === undefined) return [];
    const accepted = { Unconfined: ["unconfined"], RuntimeDefault: kind === "seccomp" ? ["runtime/default", "docker/default"] : ["runtime/default"] }[profile.type];
    const typeError = forbidden(`${path}.type`, `${kind} type in annotation and field must match`);
    const errors: FieldError[] = [];
    if (accepted !== undefined && !accepted.includes(annotation)) errors.push(typeError);
    if (profile.type !== "Localhost") return errors;
    if (!annotation.startsWith("localhost/")) errors.push(typeError);
    else if (annotation.slice("localhost/".length) !== profile.localhostProfile) errors.push(forbidden(`${path}.localhostProfile`, `${kind} profile in annotation and field must match`));
    return errors;
  };
  const errors: FieldError[] = [];
  addAll(errors, compare("seccomp", annotations[seccompPodAnnotation], spec.securityContext?.seccompProfile, "spec.securityContext.seccompProfile"));
  for (const { container, path } of allContainers(spec, "spec")) {
    addAll(errors, compare("seccomp", annotations[`${seccompContainerPrefix}${container.name}`], container.securityContext?.seccompProfile, `${path}.securityContext.seccompProfile`));
  }
  if (spec.os?.name === "windows") return errors;
  for (const { container, path } of allContainers(spec, "spec")) {
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    addAll(errors, compare("apparmor", annotations[`${appArmorPrefix}${container.name}`], profile, `${path}.securityContext.appArmorProfile`));
  }
  return errors;
}

export function validatePodCreate(pod: Pod): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validatePod(pod));
  if ((pod.spec?.ephemeralContainers ?? []).length > 0) errors.push(forbidden("spec.ephemeralContainers", "cannot be set on create"));
  if (!absent(pod.spec?.nodeName) && (pod.spec?.schedulingGates ?? []).length > 0) errors.push(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  addAll(errors, validateProfileAnnotations(pod));
  return errors;
}
