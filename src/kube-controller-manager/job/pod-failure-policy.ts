import type { Job, PodFailurePolicyRule } from "../../api/generated/batch-v1.ts";
import type { Pod } from "../../api/generated/core-v1.ts";

export interface PolicyMatch { readonly rule: PodFailurePolicyRule; readonly message: string }

/** The first rule of the Job's podFailurePolicy that fits how the pod failed. */
export function matchPolicy({ spec }: Job, pod: Pod): PolicyMatch | undefined {
  if (pod.status?.phase !== "Failed") return undefined;
  const where = `${pod.metadata.namespace}/${pod.metadata.name}`;
  for (const [index, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    const { onExitCodes, onPodConditions = [] } = rule;
    if (onExitCodes) {
      const { containerName, operator, values } = onExitCodes;
      const hit = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find(({ name, state }) => {
        const code = state?.terminated?.exitCode ?? 0;
        return code !== 0 && (containerName === undefined || containerName === name) && values.includes(code) === (operator === "In");
      });
      if (hit) return { rule, message: `Container ${hit.name} for pod ${where} failed with exit code ${hit.state?.terminated?.exitCode} matching ${rule.action} rule at index ${index}` };
    }
    const met = pod.status.conditions?.find(({ type, status }) => onPodConditions.some((pattern) => pattern.type === type && (pattern.status ?? "True") === status));
    if (met) return { rule, message: `Pod ${where} has condition ${met.type} matching ${rule.action} rule at index ${index}` };
  }
  return undefined;
}
