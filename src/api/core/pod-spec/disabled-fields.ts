import type { Container, EphemeralContainer, PodSpec, PodTemplateSpec, VolumeProjection } from "../../generated/core-v1.ts";
import { changeEach, changeField, without } from "../../defaulting.ts";
import { allContainers } from "./containers.ts";

type AnyContainer = Container | EphemeralContainer;

/** A stop signal is dropped; a lifecycle that said nothing else goes with it. */
function withoutStopSignal<T extends AnyContainer>(container: T): T {
  if (container.lifecycle?.stopSignal === undefined) return container;
  const lifecycle = without(container.lifecycle, "stopSignal");
  return Object.keys(lifecycle).length === 0 ? without(container as AnyContainer, "lifecycle") as T : { ...container, lifecycle };
}

function withoutStopSignals(spec: PodSpec): PodSpec {
  let next = changeEach(spec, "containers", (container: Container) => withoutStopSignal(container));
  next = changeEach(next, "initContainers", (container: Container) => withoutStopSignal(container));
  return changeEach(next, "ephemeralContainers", (container: EphemeralContainer) => withoutStopSignal(container));
}

const hasStopSignal = (spec: PodSpec | undefined): boolean =>
  spec !== undefined && [...allContainers(spec, "")].some(({ container }) => container.lifecycle?.stopSignal !== undefined);

type GatedProjection = "clusterTrustBundle" | "podCertificate";
const hasProjection = (spec: PodSpec | undefined, field: GatedProjection): boolean =>
  spec?.volumes?.some(({ projected }) => projected?.sources?.some((source) => source[field] !== undefined) === true) === true;
const withoutProjection = (spec: PodSpec, field: GatedProjection): PodSpec =>
  changeEach(spec, "volumes", (volume) => changeField(volume, "projected", (projected) => changeEach(projected, "sources", (source: VolumeProjection) => without(source, field))));

/**
 * Fields of features that are off in 1.36 (ContainerStopSignals, ClusterTrustBundleProjection, PodCertificateRequest, GenericWorkload) are
 * dropped without a word, unless the object had them before (upstream's dropDisabledFields, pkg/api/pod/util.go).
 */
export function withoutDisabledFields(spec: PodSpec, previous: PodSpec | undefined): PodSpec {
  let next = spec;
  for (const field of ["clusterTrustBundle", "podCertificate"] as const) if (hasProjection(next, field) && !hasProjection(previous, field)) next = withoutProjection(next, field);
  if (next.schedulingGroup !== undefined && previous?.schedulingGroup === undefined) next = without(next, "schedulingGroup");
  return hasStopSignal(next) && !hasStopSignal(previous) ? withoutStopSignals(next) : next;
}

/** The same for whoever holds a template of pods: the spec of a workload, of a Job, or a PodTemplate itself. */
export const withoutDisabledTemplateFields = <T extends { readonly template?: PodTemplateSpec }>(holder: T, previous: { readonly template?: PodTemplateSpec } | undefined): T =>
  changeField(holder as { readonly template?: PodTemplateSpec }, "template", (template) => changeField(template, "spec", (spec) => withoutDisabledFields(spec, previous?.template?.spec))) as T;

/** And for a workload as a whole. */
export const withoutDisabledWorkloadFields = <S extends { readonly template?: PodTemplateSpec }, T extends { readonly spec?: S }>(workload: T, previous: T | undefined): T =>
  changeField(workload as { readonly spec?: S }, "spec", (spec) => withoutDisabledTemplateFields(spec as S, previous?.spec) as NonNullable<S>) as T;
