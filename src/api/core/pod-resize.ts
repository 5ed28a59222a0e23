import { forbidden, invalid, type FieldError } from "../../apimachinery/field-error.ts";
import type { Container, Pod, PodSpec, ResourceRequirements } from "../generated/core-v1.ts";
import { withField, without } from "../defaulting.ts";
import { keepMetadataForStatus, semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { isSidecar } from "./pod-spec/containers.ts";
import { podQosClass } from "./pod-qos.ts";
import { mirrorAnnotation, validatePod } from "./pod-validation.ts";
import type { ResourceList } from "./resource-list.ts";

/** Containers with only their resources taken from the new spec; as they came when they do not correspond, for validation to name that. */
function withNewResources(next: readonly Container[], previous: readonly Container[]): readonly Container[] {
  if (next.some(({ name }, index) => previous[index]?.name !== name)) return next;
  return previous.map((container, index) =>
    withField(withField(container, "resources", next[index]?.resources), "resizePolicy", next[index]?.resizePolicy));
}

/** Under /resize nothing but resources may be written. */
export function preparePodResize(next: Pod, previous: Pod): Pod {
  const [now, before] = [next.spec ?? { containers: [] }, previous.spec ?? { containers: [] }];
  const corresponds = (["containers", "initContainers"] as const).every((field) => (now[field] ?? []).length === (before[field] ?? []).length);
  if (!corresponds) return next;
  let spec: PodSpec = { ...before, containers: withNewResources(now.containers ?? [], before.containers ?? []) };
  if (before.initContainers) spec = { ...spec, initContainers: withNewResources(now.initContainers ?? [], before.initContainers) };
  spec = withField(spec, "resources", now.resources);
  const resized = withField(keepMetadataForStatus({ ...next, spec }, previous), "status", previous.status);
  return resized;
}

const removed = (next: ResourceList | undefined, previous: ResourceList | undefined): boolean => Object.keys(previous ?? {}).some((name) => !(name in (next ?? {})));

/** The requirements with CPU and memory as they were, so that what still differs may not. */
function withOldCpuAndMemory(next: ResourceRequirements | undefined, previous: ResourceRequirements | undefined): ResourceRequirements {
  const list = (field: "limits" | "requests"): ResourceList => {
    const { cpu: _cpu, memory: _memory, ...others } = next?.[field] ?? {};
    const { cpu, memory } = previous?.[field] ?? {};
    return { ...others, ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) };
  };
  return { limits: list("limits"), requests: list("requests"), ...((next?.claims ?? []).length > 0 && { claims: next?.claims }) } as ResourceRequirements;
}
const normalizedResources = (container: Container): Container => {
  const { resources = {} } = container;
  return { ...without(container, "resources"), resources: { ...resources, limits: resources.limits ?? {}, requests: resources.requests ?? {} } };
};

function validateOrder(next: PodSpec, previous: PodSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["containers", "initContainers"] as const) {
    const [now, before] = [next[field] ?? [], previous[field] ?? []];
    if (now.length !== before.length) errors.push(forbidden(`spec.${field}`, `${field} may not be added or removed on resize`));
    else for (const [index, { name }] of before.entries()) {
      if (now[index]?.name !== name) errors.push(forbidden(`spec.${field}[${index}].name`, `${field} may not be renamed or reordered on resize`));
    }
  }
  return errors;
}

function validatePodLevel(next: PodSpec, previous: PodSpec): readonly FieldError[] {
  const [now, before] = [next.resources, previous.resources];
  const isSet = (resources: ResourceRequirements | undefined): boolean => Object.keys({ ...resources?.requests, ...resources?.limits }).length > 0;
  if (!isSet(now) && !isSet(before)) return [];
  if (before && !now) return [forbidden("spec.resources", "pod-level resources cannot be removed")];
  const errors: FieldError[] = [];
  if (before && removed(now?.requests, before.requests)) errors.push(forbidden("spec.resources.requests", "pod-level resource requests cannot be removed"));
  if (before && removed(now?.limits, before.limits)) errors.push(forbidden("spec.resources.limits", "pod-level resource limits cannot be removed"));
  const rest = withOldCpuAndMemory(now, before);
  if (!semanticallyEqual(rest, { ...before, limits: before?.limits ?? {}, requests: before?.requests ?? {} })) errors.push(forbidden("spec", "only cpu and memory resources are mutable at pod-level"));
  return errors;
}

export function validatePodResize(next: Pod, previous: Pod): readonly FieldError[] {
  if (previous.metadata.annotations?.[mirrorAnnotation] !== undefined) return [forbidden("[]", "static pods cannot be resized")];
  if (previous.spec?.os?.name === "windows") return [forbidden("[]", "windows pods cannot be resized")];
  const [now, before] = [next.spec ?? { containers: [] }, previous.spec ?? { containers: [] }];
  const errors: FieldError[] = [];
  addAll(errors, validatePod(next, previous));
  const qosClass = previous.status?.qosClass ?? podQosClass(previous);
  if (qosClass !== podQosClass(next)) errors.push(invalid("spec", next.status?.qosClass ?? "", "Pod QOS Class may not change as a result of resizing"));
  const running = previous.status?.containerStatuses?.find(({ state }) => state?.running);
  if (running && !running.resources) errors.push(forbidden("spec", "Pod running on node without support for resize"));
  addAll(errors, validatePodLevel(now, before));
  if ((previous.status?.nodeAllocatableResourceClaimStatuses ?? []).length > 0) errors.push(forbidden("spec", "pods with node allocatable resource claims cannot be resized"));
  const order = [...validateOrder(now, before)];
  addAll(errors, order);
  if (order.length > 0) return errors;

  for (const field of ["initContainers", "containers"] as const) {
    for (const [index, container] of (before[field] ?? []).entries()) {
      const at = `spec.${field}[${index}].resources`;
      const resources = now[field]?.[index]?.resources;
      if (removed(resources?.requests, container.resources?.requests)) errors.push(forbidden(`${at}.requests`, "resource requests cannot be removed"));
      if (removed(resources?.limits, container.resources?.limits)) errors.push(forbidden(`${at}.limits`, "resource limits cannot be removed"));
    }
  }
  for (const field of ["containers", "initContainers"] as const) {
    for (const [index, container] of (now[field] ?? []).entries()) {
      const old = before[field]?.[index];
      if (old === undefined) continue;
      const rest = { ...container, resources: withOldCpuAndMemory(container.resources, old.resources) };
      const changed = !semanticallyEqual(rest, normalizedResources(old));
      if (changed && field === "containers") errors.push(forbidden("spec", "only cpu and memory resources are mutable"));
      if (changed && field === "initContainers") errors.push(forbidden(`spec.initContainers[${index}]`, "only cpu and memory resources for init or sidecar containers are mutable"));
      if (field === "initContainers" && !isSidecar(container) && !semanticallyEqual(container, old) && container.resizePolicy?.some(({ restartPolicy }) => restartPolicy === "RestartContainer")) {
        errors.push(forbidden(`spec.initContainers[${index}]`, "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"));
      }
    }
  }
  return errors;
}
