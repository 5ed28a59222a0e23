import type { KubeObject } from "../../apimachinery/object.ts";
import { horizontalpodautoscalers, type HorizontalPodAutoscaler } from "../generated/autoscaling-v1.ts";
import { horizontalpodautoscalers as storedType, type HorizontalPodAutoscaler as Stored, type MetricSpec, type MetricStatus } from "../generated/autoscaling-v2.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import type { Column } from "../resource.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { horizontalPodAutoscalerResource } from "./horizontal-pod-autoscaler.ts";

/** What v1 has no fields for travels in these annotations. */
const metricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics";
const currentMetricsAnnotation = "autoscaling.alpha.kubernetes.io/current-metrics";
const conditionsAnnotation = "autoscaling.alpha.kubernetes.io/conditions";
const behaviorAnnotation = "autoscaling.alpha.kubernetes.io/behavior";
const ownAnnotations: readonly string[] = [metricsAnnotation, currentMetricsAnnotation, conditionsAnnotation, behaviorAnnotation];

const isCpuUtilization = (metric: MetricSpec): boolean =>
  metric.type === "Resource" && metric.resource?.name === "cpu" && metric.resource.target.averageUtilization !== undefined;

function parsed<T>(text: string | undefined, otherwise: T): T {
  if (text === undefined) return otherwise;
  try {
    return JSON.parse(text) as T;
  } catch {
    // Annotations are anybody's to write: what is not JSON is not ours.
    return otherwise;
  }
}

function toStored({ apiVersion: _, metadata, spec, status, ...rest }: HorizontalPodAutoscaler): Stored {
  const annotations = metadata.annotations ?? {};
  const others = Object.fromEntries(Object.entries(annotations).filter(([key]) => !ownAnnotations.includes(key)));
  const metrics: MetricSpec[] = [...parsed<MetricSpec[]>(annotations[metricsAnnotation], [])];
  const percent = spec?.targetCPUUtilizationPercentage;
  if (percent !== undefined) metrics.unshift({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: percent } } });
  const behavior = parsed(annotations[behaviorAnnotation], undefined);
  return {
    ...rest, apiVersion: "autoscaling/v2",
    metadata: Object.keys(others).length === 0 ? withoutAnnotations(metadata) : { ...metadata, annotations: others },
    ...(spec && {
      spec: {
        scaleTargetRef: spec.scaleTargetRef, maxReplicas: spec.maxReplicas,
        ...(spec.minReplicas !== undefined && { minReplicas: spec.minReplicas }), ...(metrics.length > 0 && { metrics }), ...(behavior !== undefined && { behavior }),
      },
    }),
    ...(status && {
      status: {
        desiredReplicas: status.desiredReplicas, currentReplicas: status.currentReplicas,
        ...(status.lastScaleTime !== undefined && { lastScaleTime: status.lastScaleTime }),
        ...(status.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }),
        ...(annotations[conditionsAnnotation] !== undefined && { conditions: parsed(annotations[conditionsAnnotation], []) }),
        ...currentMetricsOf(parsed<MetricStatus[]>(annotations[currentMetricsAnnotation], []), status.currentCPUUtilizationPercentage),
      },
    }),
  } as Stored;
}

/** The use of CPU has a field of its own in v1, unless the annotation says it already. */
function currentMetricsOf(metrics: readonly MetricStatus[], cpuPercent: number | undefined): { readonly currentMetrics?: readonly MetricStatus[] } {
  const known = metrics.some(({ type, resource }) => type === "Resource" && resource?.name === "cpu");
  const cpu: MetricStatus[] = cpuPercent === undefined || known ? [] : [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: cpuPercent } } }];
  const all = [...cpu, ...metrics];
  return all.length === 0 ? {} : { currentMetrics: all };
}

function withoutAnnotations<T extends { readonly annotations?: unknown }>({ annotations: _, ...metadata }: T): Omit<T, "annotations"> {
  return metadata;
}

function fromStored(object: KubeObject): HorizontalPodAutoscaler {
  const { apiVersion: _, metadata, spec, status, ...rest } = object as Stored;
  const cpu = spec?.metrics?.find(isCpuUtilization);
  const others = (spec?.metrics ?? []).filter((metric) => metric !== cpu);
  const current = status?.currentMetrics?.find((metric) => metric.type === "Resource" && metric.resource?.name === "cpu")?.resource?.current.averageUtilization;
  const otherMetrics = (status?.currentMetrics ?? []).filter(({ type, resource }) => type !== "Resource" || resource?.name !== "cpu");
  const own = {
    ...(others.length > 0 && { [metricsAnnotation]: JSON.stringify(others) }),
    ...(spec?.behavior && { [behaviorAnnotation]: JSON.stringify(spec.behavior) }),
    ...(otherMetrics.length > 0 && { [currentMetricsAnnotation]: JSON.stringify(otherMetrics) }),
    ...((status?.conditions ?? []).length > 0 && { [conditionsAnnotation]: JSON.stringify(status?.conditions) }),
  };
  return {
    ...rest, apiVersion: "autoscaling/v1",
    metadata: Object.keys(own).length === 0 ? metadata : { ...metadata, annotations: { ...metadata.annotations, ...own } },
    ...(spec && {
      spec: {
        scaleTargetRef: spec.scaleTargetRef, maxReplicas: spec.maxReplicas,
        ...(spec.minReplicas !== undefined && { minReplicas: spec.minReplicas }),
        ...(cpu?.resource?.target.averageUtilization !== undefined && { targetCPUUtilizationPercentage: cpu.resource.target.averageUtilization }),
      },
    }),
    ...(status && {
      status: {
        desiredReplicas: status.desiredReplicas, currentReplicas: status.currentReplicas ?? 0,
        ...(current !== undefined && { currentCPUUtilizationPercentage: current }),
        ...(status.lastScaleTime !== undefined && { lastScaleTime: status.lastScaleTime }),
        ...(status.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }),
      },
    }),
  } as HorizontalPodAutoscaler;
}

const onStored = (column: Column<Stored>): Column<HorizontalPodAutoscaler> => ({ ...column, cell: (object, nowMs) => column.cell(toStored(object), nowMs) });

export const horizontalPodAutoscalerV1Resource = defineResource<HorizontalPodAutoscaler>(horizontalpodautoscalers, {
  validateName: horizontalPodAutoscalerResource.validateName,
  storedAs: { type: storedType, toStored, fromStored },
  defaults: (autoscaler) => changeField(withStruct(autoscaler, "spec"), "spec", (spec) => withDefaults(spec, { minReplicas: 1 })),
  prepareForCreate: (autoscaler) => ({ ...autoscaler, status: { currentReplicas: 0, desiredReplicas: 0 } }),
  prepareForUpdate: keepStatus,
  validate: (autoscaler) => horizontalPodAutoscalerResource.validate(toStored(autoscaler)),
  validateUpdate: (next, previous) => horizontalPodAutoscalerResource.validateUpdate(toStored(next), toStored(previous)),
  subresources: { status: statusStrategy() },
  columns: horizontalPodAutoscalerResource.columns.map(onStored),
});
