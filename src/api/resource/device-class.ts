import { deviceclasses, type DeviceClass } from "../generated/resource-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const deviceClassResource = defineResource<DeviceClass>(deviceclasses, {
  validateName: dnsSubdomainName,
  generation: true,
  columns: [nameColumn, ageColumn],
});
