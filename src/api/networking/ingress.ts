import { invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, ipWarnings, legacyIpErrors, pathSegmentNameErrors, portNameErrors, portNumberErrors, wildcardDns1123SubdomainErrors } from "../../apimachinery/validation.ts";
import { parseIpSloppy } from "../../stdx/ip.ts";
import { absent, dnsSubdomain, invalidEach } from "../checks.ts";
import type { HTTPIngressPath, IngressBackend, IngressRule, IngressSpec } from "../generated/networking-v1.ts";
import { ingresses, type Ingress } from "../generated/networking-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { addressesOf } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";

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

const classAnnotation = "kubernetes.io/ingress.class";

export const ingressResource = defineResource<Ingress>(ingresses, {
  validateName: dnsSubdomainName,
  generation: true,
  prepareForCreate: (ingress) => ({ ...ingress, status: { loadBalancer: {} } }),
  prepareForUpdate: keepStatus,
  validate({ metadata, spec = {} }) {
    const errors: FieldError[] = [];
    addAll(errors, validateSpec(spec, newRules));
    const named = metadata.annotations?.[classAnnotation];
    if (named !== undefined && spec.ingressClassName !== undefined && named !== spec.ingressClassName) {
      errors.push(invalid(`annotations.${classAnnotation}`, named, "must match `ingressClassName` when both are specified"));
    }
    return errors;
  },
  validateUpdate: (next, previous) => validateSpec(next.spec ?? {}, rulesAfter(previous.spec ?? {})),
  warningsOnCreate: ({ metadata }) => (metadata.annotations?.[classAnnotation] === undefined ? [] : [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]),
  subresources: {
    status: {
      ...statusStrategy<Ingress>({ validateUpdate: validateStatus }),
      warningsOnUpdate: ({ status }) => (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, index) => (absent(ip) ? [] : ipWarnings(`status.loadBalancer.ingress[${index}]`, ip))),
    },
  },
  columns: [
    nameColumn,
    text("Class", ({ spec }) => spec?.ingressClassName ?? "<none>"),
    text("Hosts", hostsText),
    text("Address", ({ status }) => addressesOf(status?.loadBalancer?.ingress)),
    text("Ports", ({ spec }) => ((spec?.tls ?? []).length > 0 ? "80, 443" : "80")),
    ageColumn,
  ],
});

const sequences = ["//", "/./", "/../", "%2f", "%2F"] as const;
const suffixes = ["/..", "/."] as const;

const hostErrors = (field: string, host: string): FieldError[] => invalidEach(field, host, host.includes("*") ? wildcardDns1123SubdomainErrors(host) : dns1123SubdomainErrors(host));

function validateBackend({ resource, service }: IngressBackend, path: string): readonly FieldError[] {
  if (resource && service) return [invalid(path, "", "cannot set both resource and service backends")];
  const errors: FieldError[] = [];
  if (resource) {
    if (resource.apiGroup !== undefined) addAll(errors, dnsSubdomain(`${path}.resource.apiGroup`, resource.apiGroup));
    for (const field of ["kind", "name"] as const) {
      if (absent(resource[field])) errors.push(required(`${path}.resource.${field}`));
      else addAll(errors, invalidEach(`${path}.resource.${field}`, resource[field], pathSegmentNameErrors(resource[field])));
    }
  } else if (service) {
    if (absent(service.name)) errors.push(required(`${path}.service.name`));
    else addAll(errors, invalidEach(`${path}.service.name`, service.name, dns1123LabelErrors(service.name)));
    const { name = "", number = 0 } = service.port ?? {};
    if (name !== "" && number !== 0) errors.push(invalid(path, "", "cannot set both port name & port number"));
    else if (name !== "") addAll(errors, invalidEach(`${path}.service.port.name`, name, portNameErrors(name)));
    else if (number !== 0) addAll(errors, invalidEach(`${path}.service.port.number`, number, portNumberErrors(number)));
    else errors.push(required(path, "port name or number is required"));
  } else {
    errors.push(invalid(path, "", "resource or service backend is required"));
  }
  return errors;
}

function validatePath({ path: location = "", pathType, backend }: HTTPIngressPath, path: string): readonly FieldError[] {
  if (pathType === undefined || pathType === null) return [required(`${path}.pathType`, "pathType must be specified")];
  const absolute = invalid(`${path}.path`, location, "must be an absolute path");
  const errors: FieldError[] = [];
  if (pathType === "Exact" || pathType === "Prefix") {
    if (!location.startsWith("/")) errors.push(absolute);
    for (const sequence of sequences) if (location.includes(sequence)) errors.push(invalid(`${path}.path`, location, `must not contain '${sequence}'`));
    for (const suffix of suffixes) if (location.endsWith(suffix)) errors.push(invalid(`${path}.path`, location, `cannot end with '${suffix}'`));
  } else if (pathType === "ImplementationSpecific") {
    if (location !== "" && !location.startsWith("/")) errors.push(absolute);
  } else {
    errors.push(notSupported(`${path}.pathType`, pathType, ["Exact", "ImplementationSpecific", "Prefix"]));
  }
  addAll(errors, validateBackend(backend ?? {}, `${path}.backend`));
  return errors;
}

function validateRule({ http }: IngressRule, path: string): readonly FieldError[] {
  if (!http) return [];
  const errors: FieldError[] = [];
  if ((http.paths ?? []).length === 0) errors.push(required(`${path}.http.paths`));
  for (const [index, each] of (http.paths ?? []).entries()) addAll(errors, validatePath(each, `${path}.http.paths[${index}]`));
  return errors;
}

const isWildcard = (host: string | undefined): boolean => (host ?? "").includes("*");
const secretNameErrors = (field: string, name: string | undefined): FieldError[] => (absent(name) ? [] : dnsSubdomain(field, name));

/** What was stored before there were rules for it stays. */
interface Leniency { readonly anySecretName: boolean; readonly anyWildcardRule: boolean }
const newRules: Leniency = { anySecretName: false, anyWildcardRule: false };
const rulesAfter = ({ tls = [], rules = [] }: IngressSpec): Leniency => ({
  anySecretName: tls.some(({ secretName }) => secretNameErrors("", secretName).length > 0),
  anyWildcardRule: rules.some((rule) => isWildcard(rule.host) && validateRule(rule, "").length > 0),
});

function validateSpec({ rules = [], defaultBackend, tls = [], ingressClassName }: IngressSpec, { anySecretName, anyWildcardRule }: Leniency): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (rules.length === 0 && !defaultBackend) errors.push(invalid("spec", null, "either `defaultBackend` or `rules` must be specified"));
  if (defaultBackend) addAll(errors, validateBackend(defaultBackend, "spec.defaultBackend"));
  for (const [index, rule] of rules.entries()) {
    const { host = "" } = rule;
    const at = `spec.rules[${index}]`;
    if (host !== "") {
      if (parseIpSloppy(host) !== undefined) errors.push(invalid(`${at}.host`, host, "must be a DNS name, not an IP address"));
      addAll(errors, hostErrors(`${at}.host`, host));
    }
    if (!isWildcard(host) || !anyWildcardRule) addAll(errors, validateRule(rule, at));
  }
  for (const [index, { hosts = [], secretName = "" }] of tls.entries()) {
    for (const [hostIndex, host] of hosts.entries()) addAll(errors, hostErrors(`spec.tls[${index}].hosts[${hostIndex}]`, host));
    if (!anySecretName) addAll(errors, secretNameErrors(`spec.tls[${index}].secretName`, secretName));
  }
  if (ingressClassName !== undefined) addAll(errors, dnsSubdomain("spec.ingressClassName", ingressClassName));
  return errors;
}

function validateStatus(next: Ingress, previous: Ingress): readonly FieldError[] {
  const known = new Set(previous.status?.loadBalancer?.ingress?.map(({ ip }) => ip));
  const errors: FieldError[] = [];
  for (const [index, { ip, hostname }] of (next.status?.loadBalancer?.ingress ?? []).entries()) {
    const at = `status.loadBalancer.ingress[${index}]`;
    if (!absent(ip) && !known.has(ip)) addAll(errors, legacyIpErrors(`${at}.ip`, ip));
    if (absent(hostname)) continue;
    addAll(errors, dnsSubdomain(`${at}.hostname`, hostname));
    if (parseIpSloppy(hostname) !== undefined) errors.push(invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address"));
  }
  return errors;
}
