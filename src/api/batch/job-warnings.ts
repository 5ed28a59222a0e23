import { dns1123LabelErrors } from "../../apimachinery/validation.ts";
import { templateWarnings } from "../core/pod-warnings.ts";
import type { JobSpec } from "../generated/batch-v1.ts";

/** Above these, what a Job keeps of its indexes may be longer than fits into its status. */
const completionsSoftMax = 100_000;
const parallelismSoftMax = 10_000;

export function nameWarnings(name = ""): readonly string[] {
  const problems = dns1123LabelErrors(name);
  return problems.length === 0 ? [] : [`metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(" ")}]`];
}

export function jobSpecWarnings(spec: JobSpec | undefined, path: string): readonly string[] {
  const many = spec?.completionMode === "Indexed" && (spec.completions ?? 0) > completionsSoftMax && (spec.parallelism ?? 0) > parallelismSoftMax;
  return [
    ...(many ? [`${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`] : []),
    ...templateWarnings(spec?.template, `${path}.template`),
  ];
}
