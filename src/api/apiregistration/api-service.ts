import { apiservices, type APIService } from "../generated/apiregistration-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { pathSegmentName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";

function serviceText({ spec }: APIService): string {
  return spec?.service === undefined ? "Local" : `${spec.service.namespace ?? ""}/${spec.service.name ?? ""}`;
}
function availableText({ status }: APIService): string {
  const available = status?.conditions?.find(({ type }) => type === "Available");
  if (available === undefined) return "Unknown";
  return available.status === "True" ? "True" : `${available.status} (${available.reason ?? ""})`;
}

export const apiServiceResource = defineResource<APIService>(apiservices, {
  validateName: pathSegmentName,
  unconditionalUpdate: false,
  defaults: (service) => changeField(service, "spec", (spec) => changeField(spec, "service", (reference) => withDefaults(reference, { port: 443 }))),
  prepareForCreate: (service) => ({ ...service, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
  columns: [nameColumn, text("Service", serviceText), text("Available", availableText), ageColumn],
});
