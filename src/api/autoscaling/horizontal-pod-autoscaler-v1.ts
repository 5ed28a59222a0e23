import type { KubeObject } from "../../apimachinery/object.ts";
import { horizontalpodautoscalers, type HorizontalPodAutoscaler } from "../generated/autoscaling-v1.ts";
import { horizontalpodautoscalers as storedType, type HorizontalPodAutoscaler as Stored, type MetricSpec, type MetricStatus } from "../generated/autoscaling-v2.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import type { Column } from "../resource.ts";
import { defineResource } from "../resource.ts";
import { keepSpec, statusStrategy } from "../strategy.ts";
import { annotationsOf, beyondV1Of, withoutBeyondV1 } from "./v1-annotations.ts";
import { horizontalPodAutoscalerResource } from "./horizontal-pod-autoscaler.ts";

const isCpu = ({ type, resource }: MetricSpec | MetricStatus): boolean => type === "Resource" && resource?.name === "cpu";
const isCpuUtilization = (metric: MetricSpec): boolean => isCpu(metric) && metric.resource?.target.averageUtilization !== undefined;
const cpuTarget = (averageUtilization: number): MetricSpec => ({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } });
/** What v1 has always aimed at when nothing is said. */
const defaultPercent = 80;

function toStored({ apiVersion: _, metadata: { annotations = {}, ...metadata }, spec, status, ...rest }: HorizontalPodAutoscaler): Stored {
  const beyond = beyondV1Of(annotations);
  const others = withoutBeyondV1(annotations);
  const percent = spec?.targetCPUUtilizationPercentage;
  const metrics = [...beyond.metrics ?? [], ...(percent === undefined ? [] : [cpuTarget(percent)])];
  return {
    ...rest, apiVersion: "autoscaling/v2",
    metadata: Object.keys(others).length === 0 ? metadata : { ...metadata, annotations: others },
    ...(spec && {
      spec: {
        scaleTargetRef: spec.scaleTargetRef, maxReplicas: spec.maxReplicas, ...(spec.minReplicas !== undefined && { minReplicas: spec.minReplicas }),
        metrics: metrics.length === 0 ? [cpuTarget(defaultPercent)] : metrics, ...(beyond.behavior && { behavior: beyond.behavior }),
      },
    }),
    ...(status && {
      status: {
        desiredReplicas: status.desiredReplicas, currentReplicas: status.currentReplicas,
        ...(status.lastScaleTime !== undefined && { lastScaleTime: status.lastScaleTime }),
        ...(status.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }),
        ...(beyond.conditions && { conditions: beyond.conditions }),
        ...currentMetricsOf(beyond.currentMetrics, status.currentCPUUtilizationPercentage),
      },
    }),
  } as Stored;
}

/** The annotation says more than the field that v1 has for the use of CPU. */
function currentMetricsOf(metrics: readonly MetricStatus[] | undefined, cpuPercent: number | undefined): { readonly currentMetrics?: readonly MetricStatus[] } {
  if (metrics) return { currentMetrics: metrics };
  return cpuPercent === undefined ? {} : { currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: cpuPercent } } }] };
}

function fromStored(object: KubeObject): HorizontalPodAutoscaler {
  const { apiVersion: _, metadata, spec, status, ...rest } = object as Stored;
  const percent = spec?.metrics?.find(isCpuUtilization)?.resource?.target.averageUtilization;
  const current = status?.currentMetrics?.findLast((metric) => isCpu(metric) && metric.resource?.current.averageUtilization !== undefined)?.resource?.current.averageUtilization;
  const beyond = annotationsOf({
    metrics: (spec?.metrics ?? []).filter((metric) => !isCpuUtilization(metric)), currentMetrics: status?.currentMetrics ?? [], conditions: status?.conditions ?? [],
    ...(spec?.behavior && { behavior: spec.behavior }),
  });
  const annotations = { ...withoutBeyondV1(metadata.annotations ?? {}), ...beyond };
  return {
    ...rest, apiVersion: "autoscaling/v1",
    metadata: Object.keys(annotations).length === 0 ? withoutAnnotations(metadata) : { ...metadata, annotations },
    ...(spec && {
      spec: {
        scaleTargetRef: spec.scaleTargetRef, maxReplicas: spec.maxReplicas,
        ...(spec.minReplicas !== undefined && { minReplicas: spec.minReplicas }), ...(percent !== undefined && { targetCPUUtilizationPercentage: percent }),
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

function withoutAnnotations<T extends { readonly annotations?: unknown }>({ annotations: _, ...metadata }: T): Omit<T, "annotations"> {
  return metadata;
}

const onStored = (column: Column<Stored>): Column<HorizontalPodAutoscaler> => ({ ...column, cell: (object, nowMs) => column.cell(toStored(object), nowMs) });

export const horizontalPodAutoscalerV1Resource = defineResource<HorizontalPodAutoscaler>(horizontalpodautoscalers, {
  validateName: horizontalPodAutoscalerResource.validateName,
  storedAs: { type: storedType, toStored, fromStored },
  defaults: (autoscaler) => changeField(withStruct(autoscaler, "spec"), "spec", (spec) => withDefaults(spec, { minReplicas: 1 })),
  // By the rules of what is stored: annotations of v1 hold parts of its spec, and parts of its status.
  prepareForCreate: (autoscaler) => fromStored(horizontalPodAutoscalerResource.prepareForCreate(toStored(autoscaler))),
  prepareForUpdate: (next, previous) => fromStored(horizontalPodAutoscalerResource.prepareForUpdate(toStored(next), toStored(previous))),
  validate: (autoscaler) => horizontalPodAutoscalerResource.validate(toStored(autoscaler)),
  validateUpdate: (next, previous) => horizontalPodAutoscalerResource.validateUpdate(toStored(next), toStored(previous)),
  subresources: { status: { ...statusStrategy(), prepareForUpdate: (next, previous) => fromStored(keepSpec(toStored(next), toStored(previous))) } },
  columns: horizontalPodAutoscalerResource.columns.map(onStored),
});
