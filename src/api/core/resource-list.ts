import { formatQuantity, isQuantity, roundUpQuantity } from "../../apimachinery/quantity.ts";
import { changeField, changeValues } from "../defaulting.ts";

export type ResourceList = Readonly<Record<string, string>>;

/**
 * Amounts are kept in their canonical form and in no finer steps than a thousandth ("0.5" becomes "500m", "1024Mi" becomes "1Gi"), as every
 * reader of upstream's objects expects. What is no quantity at all stays for the validation to name.
 */
export const canonicalResources = (resources: ResourceList): ResourceList =>
  changeValues(resources, (amount) => (isQuantity(`${amount}`) ? formatQuantity(roundUpQuantity(amount, -3)) : amount));

/** One amount in its canonical form, for fields that are no list of resources: those keep steps finer than a thousandth. */
export const canonicalAmount = (amount: string): string => (isQuantity(`${amount}`) ? formatQuantity(amount) : amount);

interface Requirements { readonly limits?: ResourceList; readonly requests?: ResourceList }
export const canonicalRequirements = <T extends Requirements>(requirements: T): T =>
  changeField(changeField(requirements as Requirements, "limits", canonicalResources), "requests", canonicalResources) as T;
