import { forbidden, invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { rangeError } from "../../apimachinery/validation.ts";
import type { Affinity, Container, NodeSelectorTerm, Pod, PodSchedulingGate, PodSpec, Toleration } from "../generated/core-v1.ts";
import { absent } from "../checks.ts";
import { withField } from "../defaulting.ts";
import { goForm } from "../go-form.ts";
import { semanticallyEqual } from "../strategy.ts";
import { valueDiff } from "../text-diff.ts";
import { addAll } from "../../stdx/add-all.ts";
import { appArmorPrefix } from "./app-armor.ts";
import { mirrorAnnotation, validatePod, validatePodAnnotations } from "./pod-validation.ts";
import { validateTolerations } from "./pod-spec/validation-scheduling.ts";

const int32Max = 2 ** 31 - 1;
/** Named in the message about everything else, in upstream's words. */
const updatableFields = [
  "`spec.containers[*].image`", "`spec.initContainers[*].image`", "`spec.activeDeadlineSeconds`", "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/** Annotations of the kubelet's own pods and of AppArmor cannot be changed once a pod is there. */
export function validateAnnotationUpdate(next: Pod, previous: Pod): readonly FieldError[] {
  const [now, before] = [next.metadata.annotations ?? {}, previous.metadata.annotations ?? {}];
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(before)) {
    if (now[key] === value) continue;
    if (key.startsWith(appArmorPrefix)) errors.push(forbidden(`metadata.annotations[${key}]`, "may not remove or update AppArmor annotations"));
    if (key === mirrorAnnotation) errors.push(forbidden(`metadata.annotations[${key}]`, "may not remove or update mirror pod annotation"));
  }
  for (const key of Object.keys(now)) {
    if (key in before) continue;
    if (key.startsWith(appArmorPrefix)) errors.push(forbidden(`metadata.annotations[${key}]`, "may not add AppArmor annotations"));
    if (key === mirrorAnnotation) errors.push(forbidden(`metadata.annotations[${key}]`, "may not add mirror pod annotation"));
  }
  addAll(errors, validatePodAnnotations(now, next.spec ?? { containers: [] }, "metadata.annotations"));
  return errors;
}

function imageErrors(containers: readonly Container[], path: string): FieldError[] {
  return containers.flatMap(({ image = "" }, index) => [
    ...(image === "" ? [required(`${path}[${index}].image`)] : []),
    ...(image.trim() === image ? [] : [invalid(`${path}[${index}].image`, image, "must not have leading or trailing whitespace")]),
  ]);
}

/** Existing tolerations stay, but for how long they hold; new ones may come. */
function validateTolerationUpdate(next: readonly Toleration[], previous: readonly Toleration[], path: string): readonly FieldError[] {
  const sameBut = (a: Toleration, b: Toleration): boolean => semanticallyEqual(withField(a, "tolerationSeconds", b.tolerationSeconds), b);
  if (!previous.every((before) => next.some((now) => sameBut(before, now)))) return [forbidden(path, "existing toleration can not be modified except its tolerationSeconds")];
  const errors: FieldError[] = [];
  addAll(errors, validateTolerations(next, path));
  return errors;
}

function validateGateUpdate(next: readonly PodSchedulingGate[], previous: readonly PodSchedulingGate[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { name }] of next.entries()) {
    if (!previous.some((gate) => gate.name === name)) errors.push(forbidden(`${path}[${index}].name`, `only deletion is allowed, but found new scheduling gate '${name ?? ""}'`));
  }
  return errors;
}

const sameImages = (containers: readonly Container[], previous: readonly Container[]): readonly Container[] =>
  containers.map((container, index) => withField(container, "image", previous[index]?.image));

/** While a pod is held back by gates, where it may go can still be narrowed. */
function validateGatedUpdate(next: PodSpec, previous: PodSpec): readonly FieldError[] {
  const selector = next.nodeSelector ?? {};
  const errors: FieldError[] = [];
  if (Object.entries(previous.nodeSelector ?? {}).some(([key, value]) => selector[key] !== value)) {
    errors.push(invalid("spec.nodeSelector", next.nodeSelector ?? null, "only additions to spec.nodeSelector are allowed (no mutations or deletions)"));
  }
  const path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  const before = previous.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const now = next.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (before.length === 0 || semanticallyEqual(next.affinity?.nodeAffinity, previous.affinity?.nodeAffinity)) return errors;
  if (before.length !== now.length) return [...errors, invalid(path, now.length === 0 ? null : goForm(now, "[]NodeSelectorTerm"), "no additions/deletions to non-empty NodeSelectorTerms list are allowed")];
  for (const [index, term] of before.entries()) {
    if (!onlyAdds(now[index] ?? {}, term)) errors.push(invalid(`${path}[${index}]`, goForm(now[index], "NodeSelectorTerm"), "only additions are allowed (no mutations or deletions)"));
  }
  return errors;
}

function onlyAdds(next: NodeSelectorTerm, previous: NodeSelectorTerm): boolean {
  const empty = (previous.matchExpressions ?? []).length === 0 && (previous.matchFields ?? []).length === 0;
  if (empty && ((next.matchExpressions ?? []).length > 0 || (next.matchFields ?? []).length > 0)) return false;
  return (["matchExpressions", "matchFields"] as const).every((field) =>
    (previous[field] ?? []).every((requirement, index) => semanticallyEqual(requirement, next[field]?.[index])));
}

/** The new spec with everything put back that may change, so that what still differs may not. */
function withAllowedPutBack(next: PodSpec, previous: PodSpec): PodSpec {
  let spec: PodSpec = { ...next, containers: sameImages(next.containers ?? [], previous.containers ?? []) };
  if (next.initContainers) spec = { ...spec, initContainers: sameImages(next.initContainers, previous.initContainers ?? []) };
  spec = withField(spec, "activeDeadlineSeconds", previous.activeDeadlineSeconds);
  spec = withField(spec, "schedulingGates", previous.schedulingGates);
  spec = withField(spec, "tolerations", previous.tolerations);
  if ((previous.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1) spec = withField(spec, "terminationGracePeriodSeconds", previous.terminationGracePeriodSeconds);
  if ((previous.schedulingGates ?? []).length > 0) {
    const affinity: Affinity = withField(spec.affinity ?? {}, "nodeAffinity", previous.affinity?.nodeAffinity);
    spec = withField(withField(spec, "nodeSelector", previous.nodeSelector), "affinity", Object.keys(affinity).length === 0 ? undefined : affinity);
  }
  return spec;
}

/** A pod's spec is nearly immutable; in upstream's order, which stops at the first thing that makes the rest meaningless. */
export function validatePodUpdate(next: Pod, previous: Pod): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validatePod(next, previous));
  addAll(errors, validateAnnotationUpdate(next, previous));
  const [now, before] = [next.spec ?? { containers: [] }, previous.spec ?? { containers: [] }];
  for (const field of ["containers", "initContainers"] as const) {
    if ((now[field] ?? []).length !== (before[field] ?? []).length) return [...errors, forbidden(`spec.${field}`, "pod updates may not add or remove containers")];
    addAll(errors, imageErrors(now[field] ?? [], `spec.${field}`));
  }

  const [deadline, oldDeadline] = [now.activeDeadlineSeconds, before.activeDeadlineSeconds];
  if (deadline !== undefined && deadline !== null) {
    if (deadline < 0 || deadline > int32Max) return [...errors, invalid("spec.activeDeadlineSeconds", deadline, rangeError(0, int32Max))];
    if (oldDeadline !== undefined && oldDeadline < deadline) return [...errors, invalid("spec.activeDeadlineSeconds", deadline, "must be less than or equal to previous value")];
  } else if (oldDeadline !== undefined) {
    errors.push(invalid("spec.activeDeadlineSeconds", null, "must not update from a positive integer to nil value"));
  }
  addAll(errors, validateTolerationUpdate(now.tolerations ?? [], before.tolerations ?? [], "spec.tolerations"));
  addAll(errors, validateGateUpdate(now.schedulingGates ?? [], before.schedulingGates ?? [], "spec.schedulingGates"));
  if (semanticallyEqual(now, before)) return errors;

  if ((before.schedulingGates ?? []).length > 0) addAll(errors, validateGatedUpdate(now, before));
  const rest = withAllowedPutBack(now, before);
  if (!semanticallyEqual(rest, before)) errors.push(forbidden("spec", `pod updates may not change fields other than ${updatableFields}\n${valueDiff(goForm(before, "PodSpec"), goForm(rest, "PodSpec"))}`));
  return errors;
}

/** Containers may be added to look into a pod, and stay for good. */
export function validateEphemeralContainersUpdate(next: Pod, previous: Pod): readonly FieldError[] {
  if (previous.metadata.annotations?.[mirrorAnnotation] !== undefined) return [forbidden("[]", "static pods do not support ephemeral containers")];
  const errors: FieldError[] = [];
  addAll(errors, validatePod(next, previous));
  addAll(errors, validateAnnotationUpdate(next, previous));
  for (const container of previous.spec?.ephemeralContainers ?? []) {
    const now = next.spec?.ephemeralContainers?.find(({ name }) => name === container.name);
    if (now === undefined) errors.push(forbidden("spec.ephemeralContainers", `existing ephemeral containers ${JSON.stringify(container.name)} may not be removed\n`));
    else if (!semanticallyEqual(now, container)) {
      errors.push(forbidden("spec.ephemeralContainers", `existing ephemeral containers ${JSON.stringify(container.name)} may not be changed\n${valueDiff(goForm(container, "EphemeralContainer"), goForm(now, "EphemeralContainer"))}`));
    }
  }
  return errors;
}

export const isMirror = (pod: Pod): boolean => !absent(pod.metadata.annotations?.[mirrorAnnotation]);
