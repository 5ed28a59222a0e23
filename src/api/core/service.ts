import { services, type Service } from "../generated/core-v1.ts";
import { dns1035LabelName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { serviceColumns } from "./service-columns.ts";

export const serviceResource = defineResource<Service>(services, {
  validateName: dns1035LabelName,
  createOnUpdate: true,
  prepareForCreate: (service) => ({ ...service, status: { loadBalancer: {} } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
  selectableFields: { "spec.clusterIP": ({ spec }) => spec?.clusterIP ?? "", "spec.type": ({ spec }) => spec?.type ?? "" },
  columns: serviceColumns,
});
