import { endpoints, type Endpoints } from "../generated/core-v1.ts";
import { changeEach, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const endpointsResource = defineResource<Endpoints>(endpoints, {
  validateName: dnsSubdomainName,
  createOnUpdate: true,
  defaults: (object) => changeEach(object, "subsets", (subset) => changeEach(subset, "ports", (port) => withDefaults(port, { protocol: "TCP" }))),
  columns: [nameColumn, text("Endpoints", endpointsText), ageColumn],
});

/** The first three addresses with their ports; headless Services without ports show addresses alone. */
function endpointsText({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return "<none>";
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`))));
  return all.length > 3 ? `${all.slice(0, 3).join(",")} + ${all.length - 3} more...` : all.join(",");
}
