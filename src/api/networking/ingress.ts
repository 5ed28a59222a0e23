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
  *validate({ metadata, spec = {} }) {
    yield* validateSpec(spec, newRules);
    const named = metadata.annotations?.[classAnnotation];
    if (named !== undefined && spec.ingressClassName !== undefined && named !== spec.ingressClassName) {
      yield invalid(`annotations.${classAnnotation}`, named, "must match `ingressClassName` when both are specified");
    }
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

function* validateBackend({ resource, service }: IngressBackend, path: string): Generator<FieldError> {
  if (resource && service) return yield invalid(path, "", "cannot set both resource and service backends");
  if (resource) {
    if (resource.apiGroup !== undefined) yield* dnsSubdomain(`${path}.resource.apiGroup`, resource.apiGroup);
    for (const field of ["kind", "name"] as const) {
      if (absent(resource[field])) yield required(`${path}.resource.${field}`);
      else yield* invalidEach(`${path}.resource.${field}`, resource[field], pathSegmentNameErrors(resource[field]));
    }
  } else if (service) {
    if (absent(service.name)) yield required(`${path}.service.name`);
    else yield* invalidEach(`${path}.service.name`, service.name, dns1123LabelErrors(service.name));
    const { name = "", number = 0 } = service.port ?? {};
    if (name !== "" && number !== 0) yield invalid(path, "", "cannot set both port name & port number");
    else if (name !== "") yield* invalidEach(`${path}.service.port.name`, name, portNameErrors(name));
    else if (number !== 0) yield* invalidEach(`${path}.service.port.number`, number, portNumberErrors(number));
    else yield required(path, "port name or number is required");
  } else {
    yield invalid(path, "", "resource or service backend is required");
  }
}

function* validatePath({ path: location = "", pathType, backend }: HTTPIngressPath, path: string): Generator<FieldError> {
  if (pathType === undefined || pathType === null) return yield required(`${path}.pathType`, "pathType must be specified");
  const absolute = invalid(`${path}.path`, location, "must be an absolute path");
  if (pathType === "Exact" || pathType === "Prefix") {
    if (!location.startsWith("/")) yield absolute;
    for (const sequence of sequences) if (location.includes(sequence)) yield invalid(`${path}.path`, location, `must not contain '${sequence}'`);
    for (const suffix of suffixes) if (location.endsWith(suffix)) yield invalid(`${path}.path`, location, `cannot end with '${suffix}'`);
  } else if (pathType === "ImplementationSpecific") {
    if (location !== "" && !location.startsWith("/")) yield absolute;
  } else {
    yield notSupported(`${path}.pathType`, pathType, ["Exact", "ImplementationSpecific", "Prefix"]);
  }
  yield* validateBackend(backend ?? {}, `${path}.backend`);
}

function* validateRule({ http }: IngressRule, path: string): Generator<FieldError> {
  if (!http) return;
  if ((http.paths ?? []).length === 0) yield required(`${path}.http.paths`);
  for (const [index, each] of (http.paths ?? []).entries()) yield* validatePath(each, `${path}.http.paths[${index}]`);
}

const isWildcard = (host: string | undefined): boolean => (host ?? "").includes("*");
const secretNameErrors = (field: string, name: string | undefined): FieldError[] => (absent(name) ? [] : dnsSubdomain(field, name));

/** What was stored before there were rules for it stays. */
interface Leniency { readonly anySecretName: boolean; readonly anyWildcardRule: boolean }
const newRules: Leniency = { anySecretName: false, anyWildcardRule: false };
const rulesAfter = ({ tls = [], rules = [] }: IngressSpec): Leniency => ({
  anySecretName: tls.some(({ secretName }) => secretNameErrors("", secretName).length > 0),
  anyWildcardRule: rules.some((rule) => isWildcard(rule.host) && !validateRule(rule, "").next().done),
});

function* validateSpec({ rules = [], defaultBackend, tls = [], ingressClassName }: IngressSpec, { anySecretName, anyWildcardRule }: Leniency): Generator<FieldError> {
  if (rules.length === 0 && !defaultBackend) yield invalid("spec", null, "either `defaultBackend` or `rules` must be specified");
  if (defaultBackend) yield* validateBackend(defaultBackend, "spec.defaultBackend");
  for (const [index, rule] of rules.entries()) {
    const { host = "" } = rule;
    const at = `spec.rules[${index}]`;
    if (host !== "") {
      if (parseIpSloppy(host) !== undefined) yield invalid(`${at}.host`, host, "must be a DNS name, not an IP address");
      yield* hostErrors(`${at}.host`, host);
    }
    if (!isWildcard(host) || !anyWildcardRule) yield* validateRule(rule, at);
  }
  for (const [index, { hosts = [], secretName = "" }] of tls.entries()) {
    for (const [hostIndex, host] of hosts.entries()) yield* hostErrors(`spec.tls[${index}].hosts[${hostIndex}]`, host);
    if (!anySecretName) yield* secretNameErrors(`spec.tls[${index}].secretName`, secretName);
  }
  if (ingressClassName !== undefined) yield* dnsSubdomain("spec.ingressClassName", ingressClassName);
}

function* validateStatus(next: Ingress, previous: Ingress): Generator<FieldError> {
  const known = new Set(previous.status?.loadBalancer?.ingress?.map(({ ip }) => ip));
  for (const [index, { ip, hostname }] of (next.status?.loadBalancer?.ingress ?? []).entries()) {
    const at = `status.loadBalancer.ingress[${index}]`;
    if (!absent(ip) && !known.has(ip)) yield* legacyIpErrors(`${at}.ip`, ip);
    if (absent(hostname)) continue;
    yield* dnsSubdomain(`${at}.hostname`, hostname);
    if (parseIpSloppy(hostname) !== undefined) yield invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address");
  }
}
