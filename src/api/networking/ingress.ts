import { ingresses, type Ingress } from "../generated/networking-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { addressesOf } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";

/** The first three hosts; "*" where no rule names one. */
function hostsText({ spec }: Ingress): string {
  const rules = spec?.rules ?? [];
  const hosts: string[] = [];
  let more = false;
  for (const { host = "" } of rules) {
    if (hosts.length === 3) more = true;
    if (!more && host !== "") hosts.push(host);
  }
  if (hosts.length === 0) return "*";
  return more ? `${hosts.join(",")} + ${rules.length - 3} more...` : hosts.join(",");
}

export const ingressResource = defineResource<Ingress>(ingresses, {
  validateName: dnsSubdomainName,
  generation: true,
  prepareForCreate: (ingress) => ({ ...ingress, status: { loadBalancer: {} } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
  columns: [
    nameColumn,
    text("Class", ({ spec }) => spec?.ingressClassName ?? "<none>"),
    text("Hosts", hostsText),
    text("Address", ({ status }) => addressesOf(status?.loadBalancer?.ingress)),
    text("Ports", ({ spec }) => ((spec?.tls ?? []).length > 0 ? "80, 443" : "80")),
    ageColumn,
  ],
});
