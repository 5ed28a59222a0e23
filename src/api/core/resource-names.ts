import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { qualifiedNameErrors } from "../../apimachinery/validation.ts";
import { qualifiedName } from "../checks.ts";
import { addAll } from "../../stdx/add-all.ts";

/** Resources that need no prefix, by what may name them (upstream's helper tables). */
const containerResources: readonly string[] = ["cpu", "memory", "ephemeral-storage"];
const objectCounts: readonly string[] = [
  "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
];
const quotaResources: readonly string[] = [
  ...containerResources, "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", ...objectCounts,
];
const standardResources: readonly string[] = [...quotaResources, "storage"];

export const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
const isQuotaHugePages = (name: string): boolean => isHugePages(name) || name.startsWith("requests.hugepages-");
export const isStandardQuotaResource = (name: string): boolean => quotaResources.includes(name) || isQuotaHugePages(name);
/** Resources that Kubernetes itself defines: without a prefix, or with its own. */
export const isNative = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");
/** More may be promised than there is: CPU and memory may, devices and huge pages may not. */
export const mayOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);
export const isExtended = (name: string): boolean => !isNative(name) && !name.startsWith("requests.") && qualifiedNameErrors(`requests.${name}`).length === 0;
export const isCounted = (name: string): boolean => objectCounts.includes(name) || isExtended(name);

export function validateResourceName(name: string, path: string): readonly FieldError[] {
  const problems = qualifiedName(path, name);
  if (problems.length > 0) return [...problems];
  const errors: FieldError[] = [];
  if (!name.includes("/") && !standardResources.includes(name) && !isQuotaHugePages(name)) errors.push(invalid(path, name, "must be a standard resource type or fully qualified"));
  return errors;
}

export function validateContainerResourceName(name: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateResourceName(name, path));
  if (!name.includes("/")) {
    if (!containerResources.includes(name) && !isHugePages(name)) errors.push(invalid(path, name, "must be a standard resource for containers"));
  } else if (!isNative(name) && !isExtended(name)) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

export function validateQuotaResourceName(name: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateResourceName(name, path));
  if (!name.includes("/") && !quotaResources.includes(name) && !isQuotaHugePages(name)) errors.push(invalid(path, name, "must be a standard resource for quota"));
  return errors;
}
