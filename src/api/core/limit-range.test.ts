import { testCreates, type Loose } from "../validation-table.ts";
import { limitRangeResource } from "./limit-range.ts";

const limits = (...list: readonly Loose[]): Loose => ({ spec: { limits: list } });
const path = "spec.limits[0]";

testCreates(limitRangeResource, [
  ["a good one", limits({ type: "Container", max: { cpu: "2" }, min: { cpu: "100m" }, default: { cpu: "1" }, defaultRequest: { cpu: "500m" }, maxLimitRequestRatio: { cpu: "10" } }), []],
  ["an unknown type", limits({ type: "Apple" }), [`${path}.type: Invalid value: "Apple": must be a standard limit type or fully qualified`]],
  ["a type twice", limits({ type: "Pod" }, { type: "Pod" }), ['spec.limits[1].type: Duplicate value: "Pod"']],
  ["defaults of a pod", limits({ type: "Pod", default: { cpu: "1" }, defaultRequest: { cpu: "1" } }), [`${path}.default: Forbidden: may not be specified when \`type\` is 'Pod'`, `${path}.defaultRequest: Forbidden: may not be specified when \`type\` is 'Pod'`]],
  ["a claim without storage", limits({ type: "PersistentVolumeClaim" }), [`${path}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`]],
  ["bounds the wrong way round", limits({ type: "Pod", max: { cpu: "1" }, min: { cpu: "2" } }), [`${path}.min[cpu]: Invalid value: "2": min value 2 is greater than max value 1`]],
  ["a request below the minimum", limits({ type: "Container", min: { cpu: "1" }, max: { cpu: "2" }, defaultRequest: { cpu: "500m" } }), [`${path}.defaultRequest[cpu]: Invalid value: "500m": min value 1 is greater than default request value 500m`]],
  ["a ratio below one", limits({ type: "Pod", maxLimitRequestRatio: { cpu: "800m" } }), [`${path}.maxLimitRequestRatio[cpu]: Invalid value: "800m": ratio 800m is less than 1`]],
  ["a ratio that the bounds never reach", limits({ type: "Pod", max: { cpu: "2" }, min: { cpu: "1" }, maxLimitRequestRatio: { cpu: "3" } }), [`${path}.maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000`]],
  ["devices that may not be promised twice", limits({ type: "Container", default: { "example.com/gpu": "2" }, defaultRequest: { "example.com/gpu": "1" } }), [
    `${path}.defaultRequest[example.com/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in example.com/gpu`,
  ]],
]);
