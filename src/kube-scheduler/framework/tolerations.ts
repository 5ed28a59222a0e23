import type { Taint, Toleration } from "../../api/generated/core-v1.ts";

/** The rule of the API: an empty key or effect of a toleration matches all, the operator is Equal unless it says Exists. */
export function tolerates({ key = "", operator = "", value = "", effect = "" }: Toleration, taint: Taint): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  if (operator === "" || operator === "Equal") return value === (taint.value ?? "");
  return operator === "Exists";
}

export const toleratesTaint = (tolerations: readonly Toleration[], taint: Taint): boolean => tolerations.some((toleration) => tolerates(toleration, taint));

/** The first taint that keeps new pods with these tolerations away. */
export function untoleratedTaint(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[]): Taint | undefined {
  if (taints === undefined || taints.length === 0) return undefined;
  return taints.find((taint) => (taint.effect === "NoSchedule" || taint.effect === "NoExecute") && !toleratesTaint(tolerations, taint));
}
