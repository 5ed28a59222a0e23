import { networkpolicies, type NetworkPolicy, type NetworkPolicyPort } from "../generated/networking-v1.ts";
import { changeEach, changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { formatLabelSelector } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";

const portDefaults = (port: NetworkPolicyPort): NetworkPolicyPort => withDefaults(port, { protocol: "TCP" });

export const networkPolicyResource = defineResource<NetworkPolicy>(networkpolicies, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (policy) => changeField(policy, "spec", (spec) => {
    let next = changeEach(spec, "ingress", (rule) => changeEach(rule, "ports", portDefaults));
    next = changeEach(next, "egress", (rule) => changeEach(rule, "ports", portDefaults));
    next = withDefaults(next, { podSelector: {} });
    if ((next.policyTypes ?? []).length > 0) return next;
    return { ...next, policyTypes: (next.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"] };
  }),
  columns: [nameColumn, text("Pod-Selector", ({ spec }) => formatLabelSelector(spec?.podSelector ?? {})), ageColumn],
});
