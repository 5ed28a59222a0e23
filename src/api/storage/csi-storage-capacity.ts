import { csistoragecapacities, type CSIStorageCapacity } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const csiStorageCapacityResource = defineResource<CSIStorageCapacity>(csistoragecapacities, {
  validateName: dnsSubdomainName,
  unconditionalUpdate: false,
  columns: [nameColumn, text("StorageClassName", ({ storageClassName }) => storageClassName), text("Capacity", ({ capacity }) => capacity ?? "<unset>")],
});
