import { formatQuantity, isQuantity, quantityMilliValue } from "../../apimachinery/quantity.ts";
import type { PersistentVolumeClaimSpec } from "../generated/core-v1.ts";

/** Bytes come whole (upstream's pkg/api/persistentvolumeclaim). */
export const claimSpecWarnings = (spec: PersistentVolumeClaimSpec | undefined, path: string): readonly string[] =>
  (["requests", "limits"] as const).flatMap((field) => {
    const amount = spec?.resources?.[field]?.["storage"];
    if (amount === undefined || !isQuantity(`${amount}`) || quantityMilliValue(amount) % 1000 === 0) return [];
    return [`${path}.resources.${field}[storage]: fractional byte value ${JSON.stringify(formatQuantity(amount))} is invalid, must be an integer`];
  });
