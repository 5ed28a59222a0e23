import type { Service } from "../../api/generated/core-v1.ts";
import { validateClusterIps } from "../../api/core/service-validation.ts";
import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { invalidError } from "../../apimachinery/status-error.ts";
import { equal } from "../../stdx/equal.ts";
import { familyOfText } from "./address-ranges.ts";
import { isHeadless, type Family, type Spec } from "./service-spec.ts";

const path = "spec.ipFamilyPolicy";
const listOf = <T>(values: readonly T[] | undefined): readonly T[] => values ?? [];
const other = (family: Family): Family => (family === "IPv4" ? "IPv6" : "IPv4");

/**
 * The spec with `ipFamilyPolicy` and `ipFamilies` filled in from what the client said, what was there before and what the cluster has (`configured`,
 * its first family being the default). Rules and texts as upstream's registry/core/service. @throws {StatusError} Invalid
 */
export function withIpFamilies(service: Service, given: Spec, before: Spec | undefined, configured: readonly Family[]): Spec {
  if (given.type === "ExternalName" || staysPreferred(given, before)) return given;
  const refuse = (errors: readonly FieldError[]): void => {
    if (errors.length > 0) throw invalidError({ group: "", kind: "Service" }, service.metadata.name ?? "", errors);
  };
  const selectorless = Object.keys(given.selector ?? {}).length === 0;
  const headless = given.clusterIP === "None";
  const policy = given.ipFamilyPolicy ?? before?.ipFamilyPolicy ?? (headless && selectorless ? "RequireDualStack" : "SingleStack");
  refuse([...validateClusterIps({ ...given, ipFamilyPolicy: policy }, before)]);

  const spec = before && policy === "SingleStack" ? withoutSecond(given, before) : given;
  const inferred = inferredFamilies(spec, configured);
  refuse([...(before && policy !== "SingleStack" ? reductionErrors(spec, before, policy) : []), ...policyErrors(spec, policy), ...inferred.errors]);

  const families = inferred.families.length === 0 && headless && selectorless ? configured.slice(0, 1) : inferred.families;
  if (headless && selectorless) return { ...spec, ipFamilyPolicy: policy, ipFamilies: policy === "SingleStack" ? families : withOther(families) };
  refuse([
    ...(policy === "RequireDualStack" && configured.length < 2 ? [invalid(path, policy, "this cluster is not configured for dual-stack services")] : []),
    ...families.flatMap((family, index) => (configured.includes(family) ? [] : [invalid(`spec.ipFamilies[${index}]`, family, "not configured on this cluster")])),
  ]);
  const own = families.length === 0 ? configured.slice(0, 1) : families;
  return { ...spec, ipFamilyPolicy: policy, ipFamilies: policy !== "SingleStack" && configured.length === 2 ? withOther(own) : own };
}

/** A Service that takes two families where it can get them is left as it is, also when the cluster has changed. */
function staysPreferred(next: Spec, before: Spec | undefined): boolean {
  return before !== undefined && next.ipFamilyPolicy === "PreferDualStack" && (before.ipFamilyPolicy ?? "PreferDualStack") === "PreferDualStack" && next.type === before.type
    && equal(listOf(next.clusterIPs), listOf(before.clusterIPs)) && equal(listOf(next.ipFamilies), listOf(before.ipFamilies));
}

/** Who goes back to one family and leaves all else as it was gives up the second. */
function withoutSecond(spec: Spec, before: Spec): Spec {
  const [ips, families] = [listOf(spec.clusterIPs), listOf(spec.ipFamilies)];
  return {
    ...spec,
    ...(ips.length > 1 && equal(ips, listOf(before.clusterIPs)) && { clusterIPs: ips.slice(0, 1) }),
    ...(families.length > 1 && equal(families, listOf(before.ipFamilies)) && { ipFamilies: families.slice(0, 1) }),
  };
}

function reductionErrors(spec: Spec, before: Spec, policy: string): readonly FieldError[] {
  const reduced = (now: readonly unknown[], then: readonly unknown[]) => now.length > 0 && now.length < then.length;
  return [
    ...(reduced(listOf(spec.clusterIPs), listOf(before.clusterIPs)) ? [invalid(path, policy, "must be 'SingleStack' to release the secondary cluster IP")] : []),
    ...(reduced(listOf(spec.ipFamilies), listOf(before.ipFamilies)) ? [invalid(path, policy, "must be 'SingleStack' to release the secondary IP family")] : []),
  ];
}

function policyErrors(spec: Spec, policy: string): readonly FieldError[] {
  if (policy !== "SingleStack") return [];
  const message = (what: string) => `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
  return [
    ...(listOf(spec.clusterIPs).length === 2 ? [invalid(path, policy, message("cluster IPs"))] : []),
    ...(listOf(spec.ipFamilies).length === 2 ? [invalid(path, policy, message("IP families"))] : []),
  ];
}

/** Addresses that the client names say their families. */
function inferredFamilies(spec: Spec, configured: readonly Family[]): { readonly families: readonly Family[]; readonly errors: readonly FieldError[] } {
  const families = [...listOf(spec.ipFamilies)] as Family[];
  const errors: FieldError[] = [];
  for (const [index, ip] of isHeadless(spec) ? [] : listOf(spec.clusterIPs).entries()) {
    if (index < families.length) continue;
    const family = familyOfText(ip);
    if (configured.includes(family)) families.push(family);
    else errors.push(invalid(`spec.clusterIPs[${index}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
  }
  return { families, errors };
}

const withOther = (families: readonly Family[]): readonly Family[] => (families.length === 1 && families[0] ? [families[0], other(families[0])] : families);
