import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from "../generated/autoscaling-v2.ts";

const unknown = "<unknown>";
/** How many metrics fit into the column. */
const metricsShownMax = 2;

/** Metrics that are either a value as it is or a mean over the pods. */
function valueOrAverage(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  return target?.averageValue !== undefined
    ? `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`
    : `${current?.value ?? unknown}/${target?.value ?? "0"}`;
}

function ofResource(name: string, target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`;
  const percent = (value: number | undefined, otherwise: string): string => (value === undefined ? otherwise : `${value}%`);
  return `${name}: ${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, "<auto>")}`;
}

function one(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case "External": return valueOrAverage(spec.external?.target, status?.external?.current);
    case "Object": return valueOrAverage(spec.object?.target, status?.object?.current);
    case "Pods": return `${status?.pods?.current?.averageValue ?? unknown}/${spec.pods?.target?.averageValue ?? "0"}`;
    case "Resource": return ofResource(spec.resource?.name ?? "", spec.resource?.target, status?.resource?.current);
    case "ContainerResource": return ofResource(spec.containerResource?.name ?? "", spec.containerResource?.target, status?.containerResource?.current);
    default: return "<unknown type>";
  }
}

/** "cpu: 10%/80%, …": where each metric is, and where it should be. */
export function metricsText(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return "<none>";
  const texts = specs.map((spec, index) => one(spec, statuses[index]));
  const shown = texts.slice(0, metricsShownMax).join(", ");
  return texts.length > metricsShownMax ? `${shown} + ${texts.length - metricsShownMax} more...` : shown;
}
