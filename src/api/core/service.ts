import { services, type Service } from "../generated/core-v1.ts";
import { withField } from "../defaulting.ts";
import { dnsLabelName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { keepSpec } from "../strategy.ts";
import { serviceColumns } from "./service-columns.ts";
import { serviceDefaults } from "./service-defaults.ts";
import { prepareServiceUpdate } from "./service-update.ts";
import { serviceWarnings, validateService, validateServiceStatus, validateServiceUpdate } from "./service-validation.ts";

/** Addresses and ports are allocated by the server between preparation and validation; here the two fields for the address are only made to agree. */
function prepareForCreate(service: Service): Service {
  const { clusterIP = "", clusterIPs = [] } = service.spec ?? {};
  const spec = service.spec !== undefined && clusterIP !== "" && clusterIPs.length === 0 ? withField(service.spec, "clusterIPs", [clusterIP]) : service.spec;
  return { ...service, ...(spec !== undefined && { spec }), status: { loadBalancer: {} } };
}

export const serviceResource = defineResource<Service>(services, {
  // Since 1.36 a Service's name may start with a digit.
  validateName: dnsLabelName,
  createOnUpdate: true,
  defaults: serviceDefaults,
  prepareForCreate,
  prepareForUpdate: prepareServiceUpdate,
  validate: (service) => validateService(service),
  validateUpdate: validateServiceUpdate,
  warningsOnCreate: serviceWarnings,
  warningsOnUpdate: serviceWarnings,
  subresources: { status: { prepareForUpdate: keepSpec, validateUpdate: validateServiceStatus } },
  selectableFields: { "spec.clusterIP": ({ spec }) => spec?.clusterIP ?? "", "spec.type": ({ spec }) => spec?.type ?? "" },
  columns: serviceColumns,
});
