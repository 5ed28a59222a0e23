import { runtimeclasses, type RuntimeClass } from "../generated/node-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const runtimeClassResource = defineResource<RuntimeClass>(runtimeclasses, {
  validateName: dnsSubdomainName,
  createOnUpdate: true,
  unconditionalUpdate: false,
  columns: [nameColumn, text("Handler", ({ handler }) => handler), ageColumn],
});
