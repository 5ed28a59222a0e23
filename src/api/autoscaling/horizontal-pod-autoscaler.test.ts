import assert from "node:assert/strict";
import { test } from "node:test";
import { stored, testCreates, testUpdates, type Loose } from "../validation-table.ts";
import type { Resource } from "../resource.ts";
import { horizontalPodAutoscalerV1Resource } from "./horizontal-pod-autoscaler-v1.ts";
import { horizontalPodAutoscalerResource } from "./horizontal-pod-autoscaler.ts";

const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const spec = (more: Loose): Loose => ({ spec: { scaleTargetRef, maxReplicas: 5, ...more } });
const metrics = (...list: readonly Loose[]): Loose => spec({ metrics: list });
const types = 'supported values: "ContainerResource", "External", "Object", "Pods", "Resource"';
const value = { type: "Value", value: "10" };

testCreates(horizontalPodAutoscalerResource, [
  ["a good one", spec({}), []],
  ["no bounds", { spec: { scaleTargetRef } }, ["spec.maxReplicas: Required value: must be set and greater than 0", "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`"]],
  ["bounds the wrong way round", spec({ minReplicas: 6 }), ["spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`"]],
  ["down to zero", spec({ minReplicas: 0 }), ["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1", "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas"]],
  ["no target", { spec: { maxReplicas: 1 } }, ["spec.scaleTargetRef.kind: Required value", "spec.scaleTargetRef.name: Required value", 'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group']],
  ["a target without group", spec({ scaleTargetRef: { ...scaleTargetRef, apiVersion: "v1" } }), ['spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group']],
  ["a target of too many parts", spec({ scaleTargetRef: { ...scaleTargetRef, apiVersion: "a/b/c" } }), ['spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c']],
  ["the one target without a group", spec({ scaleTargetRef: { kind: "ReplicationController", name: "a" } }), []],
  ["a name that is no part of a path", spec({ scaleTargetRef: { ...scaleTargetRef, name: "a/b" } }), ['spec.scaleTargetRef.name: Invalid value: "a/b": may not contain \'/\'']],
  ["a metric of no type", metrics({}), ["spec.metrics[0].type: Required value: must specify a metric source type", `spec.metrics[0].type: Unsupported value: "": ${types}`, `spec.metrics[0].type: Unsupported value: "": ${types}`]],
  ["a type without its source", metrics({ type: "Pods" }), ["spec.metrics[0].pods: Required value: must populate information for the given metric source"]],
  ["two sources", metrics({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } }, pods: {} }), [
    'spec.metrics[0].pods.metric.name: Required value: must specify a metric name', "spec.metrics[0].pods.target.type: Required value: must specify a metric target type",
    'spec.metrics[0].pods.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue', "spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue",
    "spec.metrics[0].pods: Forbidden: must populate the given metric source only",
  ]],
  ["a share of nothing", metrics({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 0 } } }), ["spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0"]],
  ["neither share nor amount", metrics({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization" } } }), ["spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization"]],
  ["share and amount", metrics({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 1, averageValue: "1" } } }), ["spec.metrics[0].resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization"]],
  ["no container", metrics({ type: "ContainerResource", containerResource: { name: "disk", target: { type: "AverageValue", averageValue: "0" } } }), [
    'spec.metrics[0].containerResource.name: Invalid value: "disk": must be a standard resource type or fully qualified', 'spec.metrics[0].containerResource.name: Invalid value: "disk": must be a standard resource for containers',
    "spec.metrics[0].containerResource.container: Required value: must specify a container", 'spec.metrics[0].containerResource.target.averageValue: Invalid value: "0": must be positive',
  ]],
  ["an object of the core group", metrics({ type: "Object", object: { describedObject: { apiVersion: "v1", kind: "Pod", name: "p" }, metric: { name: "m" }, target: value } }), []],
  ["an external metric with both", metrics({ type: "External", external: { metric: { name: "m" }, target: { ...value, averageValue: "1" } } }), ["spec.metrics[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target"]],
  ["rules out of bounds", spec({ behavior: { scaleDown: { stabilizationWindowSeconds: 3601, selectPolicy: "X", tolerance: "-1", policies: [{ type: "Y", value: 0, periodSeconds: 1801 }] } } }), [
    "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600", 'spec.behavior.scaleDown.selectPolicy: Unsupported value: "X": supported values: "Disabled", "Max", "Min"',
    'spec.behavior.scaleDown.policies[0].type: Unsupported value: "Y": supported values: "Percent", "Pods"', "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
    "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800", 'spec.behavior.scaleDown.tolerance: Invalid value: "-1": must be greater than or equal to 0',
  ]],
]);

testUpdates(horizontalPodAutoscalerResource, [
  ["an old target without group stays", spec({ scaleTargetRef: { ...scaleTargetRef, apiVersion: "v1" } }), spec({ scaleTargetRef: { ...scaleTargetRef, apiVersion: "v1" }, maxReplicas: 9 }), []],
  ["zero may stay", spec({ minReplicas: 0 }), spec({ minReplicas: 0, metrics: [{ type: "External", external: { metric: { name: "m" }, target: value } }] }), []],
]);
testUpdates(horizontalPodAutoscalerResource, [
  ["counts below zero", spec({}), { ...spec({}), status: { currentReplicas: -1, desiredReplicas: -1 } }, [
    "status.currentReplicas: Invalid value: -1: must be greater than or equal to 0", "status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0",
  ]],
], "status");

testCreates(horizontalPodAutoscalerV1Resource, [
  ["a good one of v1", spec({ targetCPUUtilizationPercentage: 50 }), []],
  ["a share of nothing in v1", spec({ targetCPUUtilizationPercentage: -1 }), ["spec.metrics[0].resource.target.averageUtilization: Invalid value: -1: must be greater than 0"]],
]);

/** As upstream's own server answered in autoscaling/v1 for what was written in autoscaling/v2. */
const recorded = {
  "autoscaling.alpha.kubernetes.io/behavior": '{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15},{"Type":"Percent","Value":100,"PeriodSeconds":15}],"Tolerance":null},"ScaleDown":{"StabilizationWindowSeconds":60,"SelectPolicy":"Min","Policies":[{"Type":"Percent","Value":10,"PeriodSeconds":15}],"Tolerance":null}}',
  "autoscaling.alpha.kubernetes.io/current-metrics": '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":50,"currentAverageValue":"100m"}}]',
  "autoscaling.alpha.kubernetes.io/metrics": '[{"type":"Pods","pods":{"metricName":"rps","targetAverageValue":"1k","selector":{"matchLabels":{"app":"sample"}}}},{"type":"External","external":{"metricName":"q","targetValue":"30"}}]',
  "example.com/note": "a",
};

test("what autoscaling/v1 has no fields for travels in upstream's annotations, both ways", () => {
  const resource = horizontalPodAutoscalerV1Resource as unknown as Resource;
  const scale = (direction: Loose): Loose => ({ stabilizationWindowSeconds: 0, selectPolicy: "Max", ...direction });
  const stored = {
    apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "a", annotations: { "example.com/note": "a", "autoscaling.alpha.kubernetes.io/scale-up-tolerance": "1" } },
    spec: {
      scaleTargetRef, maxReplicas: 5,
      behavior: { scaleUp: scale({ policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, { type: "Percent", value: 100, periodSeconds: 15 }] }), scaleDown: scale({ stabilizationWindowSeconds: 60, selectPolicy: "Min", policies: [{ type: "Percent", value: 10, periodSeconds: 15 }] }) },
      metrics: [
        { type: "Pods", pods: { metric: { name: "rps", selector: { matchLabels: { app: "sample" } } }, target: { type: "AverageValue", averageValue: "1k" } } }, { type: "External", external: { metric: { name: "q" }, target: { type: "Value", value: "30" } } },
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } },
      ],
    },
    status: { currentReplicas: 2, desiredReplicas: 3, currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageValue: "100m", averageUtilization: 50 } } }] },
  };
  const v1 = resource.storedAs!.fromStored(stored as never) as unknown as { readonly metadata: { readonly annotations: object }; readonly spec: object; readonly status: object };
  assert.deepEqual(v1.metadata.annotations, recorded);
  assert.deepEqual([v1.spec, v1.status], [{ scaleTargetRef, maxReplicas: 5, targetCPUUtilizationPercentage: 60 }, { currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 50 }]);
  assert.deepEqual(resource.storedAs!.toStored(v1 as never), { ...stored, metadata: { name: "a", annotations: { "example.com/note": "a" } } });
});

test("annotations of autoscaling/v1 that say something else are dropped", () => {
  const { toStored } = (horizontalPodAutoscalerV1Resource as unknown as Resource).storedAs!;
  const annotations = { "autoscaling.alpha.kubernetes.io/metrics": "{", "autoscaling.alpha.kubernetes.io/current-metrics": "[1]", "autoscaling.alpha.kubernetes.io/behavior": '{"x":1}' };
  const { metadata, spec: { metrics: kept, ...rest } } = toStored({ apiVersion: "autoscaling/v1", kind: "HorizontalPodAutoscaler", metadata: { name: "a", annotations }, spec: { scaleTargetRef, maxReplicas: 1 } } as never) as unknown as { readonly metadata: object; readonly spec: { readonly metrics: unknown } };
  assert.deepEqual([metadata, rest, kept], [{ name: "a" }, { scaleTargetRef, maxReplicas: 1 }, [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }]]);
});

test("amounts are kept in their canonical form", () => {
  const object = stored(horizontalPodAutoscalerResource as unknown as Resource, metrics({ type: "Pods", pods: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "0.5" } } }));
  assert.equal((object as unknown as { spec: { metrics: [{ pods: { target: { averageValue: string } } }] } }).spec.metrics[0].pods.target.averageValue, "500m");
});
