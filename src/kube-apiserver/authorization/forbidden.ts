import { forbiddenError, StatusError } from "../../apimachinery/status-error.ts";
import type { Attributes } from "../access.ts";

/** 403 for what no authorizer allowed, in upstream's words; `reason` is what the authorizers said. */
export function forbiddenFor(attributes: Attributes, reason: string): StatusError {
  const text = reason === "" ? deniedText(attributes) : `${deniedText(attributes)}: ${reason}`;
  if (!attributes.isResourceRequest) return new StatusError("Forbidden", `forbidden: ${text}`, { details: {} });
  return forbiddenError({ group: attributes.group, resource: attributes.resource }, attributes.name, text);
}

function deniedText({ user, verb, isResourceRequest, path, group, resource, subresource, namespace }: Attributes): string {
  const start = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  if (!isResourceRequest) return `${start} path ${JSON.stringify(path)}`;
  const what = JSON.stringify(subresource === "" ? resource : `${resource}/${subresource}`);
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  return `${start} resource ${what} in API group ${JSON.stringify(group)} ${where}`;
}
