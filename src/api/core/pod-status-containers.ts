import { duplicate, forbidden, invalid, notSupported, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { userIdErrors } from "../../apimachinery/validation.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, dnsLabel, dnsSubdomain, invalidEach } from "../checks.ts";
import type { Container, ContainerStatus, PodExtendedResourceClaimStatus, PodSpec, PodStatus, ResourceStatus } from "../generated/core-v1.ts";
import { addAll } from "../../stdx/add-all.ts";

const healthValues = ["Healthy", "Unhealthy", "Unknown"];
const healthMessageBytesMax = 1024;
const lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] as const;

function validateUser({ user }: ContainerStatus, osName: string, path: string): readonly FieldError[] {
  const linux = user?.linux;
  if (!linux) return [];
  if (osName === "windows") return [forbidden(`${path}.linux`, "cannot be set for a windows pod")];
  if (osName !== "linux") return [];
  const errors: FieldError[] = [];
  for (const field of ["uid", "gid"] as const) addAll(errors, invalidEach(`${path}.linux.${field}`, linux[field], userIdErrors(linux[field])));
  for (const [index, group] of (linux.supplementalGroups ?? []).entries()) addAll(errors, invalidEach(`${path}.linux.supplementalGroups[${index}]`, group, userIdErrors(group)));
  return errors;
}

/** Devices that the kubelet says something about are those that the container asked for. */
function validateAllocated({ name, resources = [] }: ResourceStatus, container: Container | undefined, path: string): readonly FieldError[] {
  const { requests = {}, claims = [] } = container?.resources ?? {};
  const errors: FieldError[] = [];
  if (container && name.startsWith("claim:")) {
    const known = claims.map((claim) => ((claim.request ?? "") === "" ? `claim:${claim.name}` : `claim:${claim.name}/${claim.request}`));
    if (!known.includes(name)) errors.push(invalid(`${path}.name`, name, "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"));
  } else if (container && requests[name] === undefined) {
    errors.push(invalid(`${path}.name`, name, "must match one of the container's resource requests"));
  }
  const seen = new Set<string>();
  for (const [index, { health = "", message, resourceID }] of resources.entries()) {
    const at = `${path}.resources[${index}]`;
    if (!healthValues.includes(health)) errors.push(notSupported(`${at}.health`, health, healthValues));
    if (message === "") errors.push(required(`${at}.message`, "must be non-empty if specified"));
    else if (utf8Length(message ?? "") > healthMessageBytesMax) errors.push(tooLong(`${at}.message`, healthMessageBytesMax));
    if (seen.has(resourceID)) errors.push(duplicate(`${at}.resourceID`, resourceID));
    seen.add(resourceID);
  }
  return errors;
}

/** What the status says of single containers, beyond their states. */
export function validateStatusOfContainers(status: PodStatus, spec: PodSpec): readonly FieldError[] {
  const osName = spec.os?.name ?? "linux";
  const errors: FieldError[] = [];
  for (const list of lists) for (const [index, each] of (status[list] ?? []).entries()) addAll(errors, validateUser(each, osName, `status.${list}[${index}].user`));
  const containersOf = { containerStatuses: spec.containers ?? [], initContainerStatuses: spec.initContainers ?? [] };
  for (const list of ["containerStatuses", "initContainerStatuses"] as const) {
    for (const [index, { name, allocatedResourcesStatus = [] }] of (status[list] ?? []).entries()) {
      const container = containersOf[list].find((each) => each.name === name);
      for (const [position, resource] of allocatedResourcesStatus.entries()) addAll(errors, validateAllocated(resource, container, `status.${list}[${index}].allocatedResourcesStatus[${position}]`));
    }
  }
  for (const [index, { allocatedResourcesStatus = [] }] of (status.ephemeralContainerStatuses ?? []).entries()) {
    if (allocatedResourcesStatus.length > 0) errors.push(forbidden(`status.ephemeralContainerStatuses[${index}].allocatedResourcesStatus`, "must not be specified in container status"));
  }
  return errors;
}

/** Which claim stands in for the extended resources that containers ask for. */
export function validateExtendedResourceClaim({ requestMappings = [], resourceClaimName }: PodExtendedResourceClaimStatus, spec: PodSpec, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (requestMappings.length === 0) errors.push(required(`${path}.requestMappings`, "at least one request mapping is required"));
  const containers = new Map([...(spec.initContainers ?? []), ...(spec.containers ?? [])].map((container) => [container.name, container]));
  const seen = new Set<string>();
  for (const [index, { containerName, resourceName, requestName }] of requestMappings.entries()) {
    const at = `${path}.requestMappings[${index}]`;
    const container = containers.get(containerName);
    if (!container) errors.push(invalid(`${at}.containerName`, containerName ?? "", "must match the name of an entry in spec.initContainers.name or spec.containers.name"));
    else if (container.resources?.requests?.[resourceName] === undefined) {
      errors.push(invalid(`${at}.resourceName`, resourceName, "must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests"));
    }
    // Upstream names the request without its place in the list.
    addAll(errors, dnsLabel(`${path}.requestName`, requestName ?? ""));
    const key = JSON.stringify([containerName, resourceName, requestName]);
    if (seen.has(key)) for (const [field, value] of Object.entries({ containerName, resourceName, requestName })) errors.push(duplicate(`${at}.${field}`, value));
    seen.add(key);
  }
  if (absent(resourceClaimName)) errors.push(required(`${path}.resourceClaimName`));
  else addAll(errors, dnsSubdomain(`${path}.resourceClaimName`, resourceClaimName));
  return errors;
}
