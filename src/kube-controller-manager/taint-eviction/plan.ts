import type { Node, Pod, Taint, Toleration } from "../../api/generated/core-v1.ts";

export function tolerates({ key = "", operator = "Equal", value = "", effect = "" }: Toleration, taint: Taint): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  if (operator === "Exists") return true;
  return operator === "Equal" || operator === "" ? value === (taint.value ?? "") : false;
}

export const noExecuteTaints = (node: Node | undefined): readonly Taint[] => node?.spec?.taints?.filter(({ effect }) => effect === "NoExecute") ?? [];

/** How long the pod may stay on a node with these taints, in milliseconds: 0 not at all, Infinity for ever. */
export function toleratedMs({ spec }: Pod, taints: readonly Taint[]): number {
  let leastMs = Infinity;
  for (const taint of taints) {
    const matching = spec?.tolerations?.filter((toleration) => tolerates(toleration, taint)) ?? [];
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching) if (tolerationSeconds !== undefined) leastMs = Math.min(leastMs, Math.max(tolerationSeconds, 0) * 1000);
  }
  return leastMs;
}
