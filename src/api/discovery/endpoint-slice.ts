import { endpointslices, type EndpointSlice } from "../generated/discovery-v1.ts";
import { changeEach } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { withMore } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";

export const endpointSliceResource = defineResource<EndpointSlice>(endpointslices, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (slice) => changeEach(slice, "ports", (port) =>
    port.name !== undefined && port.protocol !== undefined ? port : { ...port, name: port.name ?? "", protocol: port.protocol ?? "TCP" }),
  columns: [
    nameColumn,
    text("AddressType", ({ addressType }) => addressType),
    text("Ports", ({ ports }) => withMore((ports ?? []).map(({ port, name }) => (port === undefined ? name ?? "*" : `${port}`)))),
    text("Endpoints", ({ endpoints }) => withMore((endpoints ?? []).flatMap(({ addresses }) => addresses))),
    ageColumn,
  ],
});
