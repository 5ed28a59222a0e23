import { withStruct } from "../defaulting.ts";
import { csinodes, type CSINode } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const csiNodeResource = defineResource<CSINode>(csinodes, {
  validateName: dnsSubdomainName,
  unconditionalUpdate: false,
  defaults: (node) => withStruct(node, "spec"),
  columns: [nameColumn, integer("Drivers", ({ spec }) => (spec.drivers ?? []).length), ageColumn],
});
