import { forbidden, invalid, type FieldError } from "../../apimachinery/field-error.ts";
import type { Pod, PodSpec } from "../generated/core-v1.ts";
import { absent, localDescendingPath } from "../checks.ts";
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

function* validateSeccompAnnotation(profile: string, path: string): Generator<FieldError> {
  if (profile === "runtime/default" || profile === "docker/default" || profile === "unconfined") return;
  if (profile.startsWith("localhost/")) yield* localDescendingPath(path, profile.slice("localhost/".length));
  else yield invalid(path, profile, "must be a valid seccomp profile");
}

/** Annotations that mean something to Kubernetes. */
export function* validatePodAnnotations(annotations: Readonly<Record<string, string>>, spec: PodSpec, path: string): Generator<FieldError> {
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && absent(spec.nodeName)) yield invalid(`${path}[${mirrorAnnotation}]`, mirror, "must set spec.nodeName if mirror pod annotation is set");
  const tolerations = annotations[tolerationsAnnotation];
  if (!absent(tolerations)) {
    const parsed = parsedList(tolerations);
    if (parsed === undefined) yield invalid(path, tolerationsAnnotation, "invalid character in the list of tolerations");
    else yield* validateTolerations(parsed, `${path}.${tolerationsAnnotation}`);
  }
  const cost = annotations[deletionCostAnnotation];
  if (cost !== undefined && !isCost(cost)) yield invalid(`${path}[${deletionCostAnnotation}]`, cost, "must be a 32bit integer");
  for (const [key, value] of Object.entries(annotations)) {
    if (key === seccompPodAnnotation || key.startsWith(seccompContainerPrefix)) yield* validateSeccompAnnotation(value, `${path}.${key}`);
    if (!key.startsWith(appArmorPrefix)) continue;
    const name = key.slice(appArmorPrefix.length);
    if (![...allContainers(spec, "spec")].some(({ container }) => container.name === name)) yield invalid(`${path}[${key}]`, name, "container not found");
    if (value !== "" && value !== "runtime/default" && value !== "unconfined" && !value.startsWith("localhost/")) {
      yield invalid(`${path}[${key}]`, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`);
    }
  }
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
export function* validatePod(pod: Pod, previous?: Pod): Generator<FieldError> {
  const spec: PodSpec = pod.spec ?? { containers: [] };
  const annotations = pod.metadata.annotations ?? {};
  yield* validatePodAnnotations(annotations, spec, "metadata.annotations");
  yield* validatePodSpec(spec, "spec", { podName: pod.metadata.name ?? "", isPod: true, annotations, ...(previous?.spec && { previous: previous.spec }) });
  if (absent(spec.serviceAccountName)) {
    for (const [index, { projected }] of (spec.volumes ?? []).entries()) {
      for (const [sourceIndex, source] of (projected?.sources ?? []).entries()) {
        if (source.serviceAccountToken) yield forbidden(`spec.volumes[${index}].projected.sources[${sourceIndex}].serviceAccountToken`, "must not be specified when serviceAccountName is not set");
      }
    }
  }
  for (const [index, container] of (spec.containers ?? []).entries()) yield* validateImageSpace(container, `spec.containers[${index}]`);
  for (const [index, container] of (spec.initContainers ?? []).entries()) yield* validateImageSpace(container, `spec.initContainers[${index}]`);
}

/** Profiles were once annotations; where both are given they must agree. */
function* validateProfileAnnotations(pod: Pod): Generator<FieldError> {
  const { spec, metadata: { annotations = {} } } = pod;
  if (spec === undefined || Object.keys(annotations).length === 0) return;
  const compare = function* (kind: "seccomp" | "apparmor", annotation: string | undefined, profile: { readonly type: string; readonly localhostProfile?: string } | undefined, path: string): Generator<FieldError> {
    if (annotation === undefined || profile === undefined) return;
    const accepted = { Unconfined: ["unconfined"], RuntimeDefault: kind === "seccomp" ? ["runtime/default", "docker/default"] : ["runtime/default"] }[profile.type];
    const typeError = forbidden(`${path}.type`, `${kind} type in annotation and field must match`);
    if (accepted !== undefined && !accepted.includes(annotation)) yield typeError;
    if (profile.type !== "Localhost") return;
    if (!annotation.startsWith("localhost/")) yield typeError;
    else if (annotation.slice("localhost/".length) !== profile.localhostProfile) yield forbidden(`${path}.localhostProfile`, `${kind} profile in annotation and field must match`);
  };
  yield* compare("seccomp", annotations[seccompPodAnnotation], spec.securityContext?.seccompProfile, "spec.securityContext.seccompProfile");
  for (const { container, path } of allContainers(spec, "spec")) {
    yield* compare("seccomp", annotations[`${seccompContainerPrefix}${container.name}`], container.securityContext?.seccompProfile, `${path}.securityContext.seccompProfile`);
  }
  if (spec.os?.name === "windows") return;
  for (const { container, path } of allContainers(spec, "spec")) {
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    yield* compare("apparmor", annotations[`${appArmorPrefix}${container.name}`], profile, `${path}.securityContext.appArmorProfile`);
  }
}

export function* validatePodCreate(pod: Pod): Generator<FieldError> {
  yield* validatePod(pod);
  if ((pod.spec?.ephemeralContainers ?? []).length > 0) yield forbidden("spec.ephemeralContainers", "cannot be set on create");
  if (!absent(pod.spec?.nodeName) && (pod.spec?.schedulingGates ?? []).length > 0) yield forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
  yield* validateProfileAnnotations(pod);
}
