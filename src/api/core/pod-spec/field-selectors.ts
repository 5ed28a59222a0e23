import { invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { formatQuantity, isQuantity, isZeroQuantity } from "../../../apimachinery/quantity.ts";
import type { ObjectFieldSelector, ResourceFieldSelector } from "../../generated/core-v1.ts";
import { absent, qualifiedName } from "../../checks.ts";
import { addAll } from "../../../stdx/add-all.ts";

/** What a pod may tell of itself in a variable of the environment. */
export const environmentFields: readonly string[] = [
  "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
];
/** What it may tell in a file. */
export const fileFields: readonly string[] = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
const knownFields: readonly string[] = [...environmentFields, ...fileFields, "spec.restartPolicy", "spec.schedulerName", "status.phase"];

const resourceFields: readonly string[] = [
  "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory",
];
const hugePagesPrefixes = ["limits.hugepages-", "requests.hugepages-"] as const;
const sizes: readonly string[] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/** "metadata.labels['app']" in its two parts. */
function splitSubscript(path: string): { readonly path: string; readonly subscript: string } | undefined {
  const match = /^(.+?)\['(.*)'\]$/s.exec(path);
  return match === null ? undefined : { path: match[1] ?? "", subscript: match[2] ?? "" };
}

export function validateFieldRef(selector: ObjectFieldSelector, supported: readonly string[], path: string): readonly FieldError[] {
  const { apiVersion, fieldPath } = selector;
  if (absent(apiVersion)) return [required(`${path}.apiVersion`)];
  if (absent(fieldPath)) return [required(`${path}.fieldPath`)];

  const unsupported = (why: string): FieldError => invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`);
  if (apiVersion !== "v1") return [unsupported(`unsupported pod version: ${apiVersion}`)];
  const part = splitSubscript(fieldPath);
  const errors: FieldError[] = [];
  if (part !== undefined) {
    if (part.path === "metadata.annotations") addAll(errors, qualifiedName(path, part.subscript.toLowerCase()));
    else if (part.path === "metadata.labels") addAll(errors, qualifiedName(path, part.subscript));
    else errors.push(unsupported(`field label does not support subscript: ${fieldPath}`));
    return errors;
  }
  const field = fieldPath === "spec.host" ? "spec.nodeName" : fieldPath;
  if (!knownFields.includes(field)) errors.push(unsupported(`field label not supported: ${fieldPath}`));
  else if (!supported.includes(field)) errors.push(notSupported(`${path}.fieldPath`, field, supported));
  return errors;
}

export function validateResourceFieldRef(selector: ResourceFieldSelector, path: string, options: { readonly inVolume: boolean }): readonly FieldError[] {
  const { resource } = selector;
  const errors: FieldError[] = [];
  if (options.inVolume && absent(selector.containerName)) errors.push(required(`${path}.containerName`));
  else if (absent(resource)) errors.push(required(`${path}.resource`));
  else if (!resourceFields.includes(resource) && !hugePagesPrefixes.some((prefix) => resource.startsWith(prefix))) errors.push(notSupported(`${path}.resource`, resource, resourceFields));
  addAll(errors, validateDivisor(resource ?? "", selector.divisor, path));
  return errors;
}

function validateDivisor(resource: string, divisor: string | undefined, path: string): readonly FieldError[] {
  if (absent(divisor) || !isQuantity(`${divisor}`) || isZeroQuantity(divisor)) return [];
  const text = formatQuantity(divisor);
  const what = resource.slice(resource.indexOf(".") + 1);
  const cpu = what === "cpu";
  const name = cpu ? "cpu" : what === "memory" ? "memory" : what === "ephemeral-storage" ? "local ephemeral storage" : what.startsWith("hugepages-") ? "hugepages" : undefined;
  if (name === undefined || (cpu ? text === "1m" || text === "1" : sizes.includes(text))) return [];
  return [invalid(`${path}.divisor`, resource, `only divisor's values ${cpu ? "1m and 1" : sizes.join(", ")} are supported with the ${name} resource`)];
}
