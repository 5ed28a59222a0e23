import { volumeattributesclasses, type VolumeAttributesClass } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const volumeAttributesClassResource = defineResource<VolumeAttributesClass>(volumeattributesclasses, {
  validateName: dnsSubdomainName,
  columns: [nameColumn, text("DriverName", ({ driverName }) => driverName), ageColumn],
});
