import { duplicate, invalid, required, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { fullyQualifiedDomainNameErrors, ipErrors, ipWarnings, labelsErrors, labelValueErrors, legacyIpErrors } from "../../apimachinery/validation.ts";
import { dnsLabel, dnsSubdomain, immutable, invalidEach, oneOf, qualifiedName } from "../checks.ts";
import { validateEndpointIp } from "../core/endpoint-address.ts";
import type { Endpoint, EndpointHints } from "../generated/discovery-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { endpointslices, type EndpointSlice } from "../generated/discovery-v1.ts";
import { changeEach, without } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { withMore } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

export const endpointSliceResource = defineResource<EndpointSlice>(endpointslices, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (slice) => changeEach(slice, "ports", (port) =>
    port.name !== undefined && port.protocol !== undefined ? port : { ...port, name: port.name ?? "", protocol: port.protocol ?? "TCP" }),
  generationGrows: (next, previous) => !semanticallyEqual(withoutMetadata(next), withoutMetadata(previous)) || !semanticallyEqual(next.metadata.labels, previous.metadata.labels),
  prepareForCreate: (slice) => withoutTopology(slice, undefined),
  prepareForUpdate: withoutTopology,
  warningsOnCreate: (slice) => [...(slice.addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : []), ...addressWarnings(slice)],
  warningsOnUpdate: addressWarnings,
  validate: (slice) => validate(slice, undefined),
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validate(next, previous));
    addAll(errors, immutable("addressType", next.addressType ?? "", previous.addressType ?? ""));
    return errors;
  },
  columns: [
    nameColumn,
    text("AddressType", ({ addressType }) => addressType),
    text("Ports", ({ ports }) => withMore((ports ?? []).map(({ port, name }) => (port === undefined ? name ?? "*" : `${port}`)))),
    text("Endpoints", ({ endpoints }) => withMore((endpoints ?? []).flatMap(({ addresses }) => addresses))),
    ageColumn,
  ],
});

function withoutMetadata({ metadata: _, ...rest }: EndpointSlice): Omit<EndpointSlice, "metadata"> {
  return rest;
}

/** Topology was a field of the beta version; through this one it may not be written, only kept. */
function withoutTopology(next: EndpointSlice, previous: EndpointSlice | undefined): EndpointSlice {
  if (previous !== undefined && semanticallyEqual(next.endpoints, previous.endpoints)) return next;
  const nodes = new Set((previous?.endpoints ?? []).map(({ deprecatedTopology }) => deprecatedTopology?.[hostnameLabel]));
  return changeEach(next, "endpoints", (endpoint) => {
    if (endpoint.deprecatedTopology === undefined) return endpoint;
    const node = endpoint.deprecatedTopology[hostnameLabel];
    const kept = endpoint.nodeName === undefined && node !== undefined && nodes.has(node) && dnsSubdomain("", node).length === 0;
    return { ...without(endpoint, "deprecatedTopology"), ...(kept && { nodeName: node }) };
  });
}

/** Of slices that the cluster's own controllers make it is known that their addresses are good. */
function addressWarnings({ metadata, endpoints }: EndpointSlice): readonly string[] {
  const manager = metadata.labels?.["endpointslice.kubernetes.io/managed-by"];
  if (manager === "endpointslice-controller.k8s.io" || manager === "endpointslicemirroring-controller.k8s.io") return [];
  return (endpoints ?? []).flatMap(({ addresses = [] }, index) => addresses.flatMap((address, at) => ipWarnings(`endpoints[${index}].addresses[${at}]`, address)));
}

const hostnameLabel = "kubernetes.io/hostname";
const limits = { endpoints: 1000, addresses: 100, ports: 20_000, topologyLabels: 16, hints: 8 } as const;

function validateAddress(type: string, address: string, path: string, index: number): readonly FieldError[] {
  const at = `${path}[${index}]`;
  if (type === "FQDN") return [...fullyQualifiedDomainNameErrors(at, address)];
  if (type !== "IPv4" && type !== "IPv6") return [];
  const problems = type === "IPv4" ? legacyIpErrors(at, address) : ipErrors(at, address);
  if (problems.length > 0) return [...problems];
  const errors: FieldError[] = [];
  if (address.includes(":") !== (type === "IPv6")) errors.push(invalid(path, address, `must be an ${type} address`));
  addAll(errors, validateEndpointIp(address, at));
  return errors;
}

function validateHints(hints: EndpointHints, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, check] of [["forZones", labelValueErrors], ["forNodes", undefined]] as const) {
    const list = hints[field] ?? [];
    if (list.length > limits.hints) return [...errors, tooMany(`${path}.${field}`, list.length, limits.hints)];
    const seen = new Set<string>();
    for (const [index, { name = "" }] of list.entries()) {
      const at = `${path}.${field}[${index}].name`;
      if (seen.has(name)) errors.push(duplicate(at, name));
      seen.add(name);
      addAll(errors, check === undefined ? dnsSubdomain(at, name) : invalidEach(at, name, check(name)));
    }
  }
  return errors;
}

function validateEndpoints(endpoints: readonly Endpoint[], type: string): readonly FieldError[] {
  if (endpoints.length > limits.endpoints) return [tooMany("endpoints", endpoints.length, limits.endpoints)];
  const errors: FieldError[] = [];
  for (const [index, { addresses = [], nodeName, hostname, deprecatedTopology = {}, hints }] of endpoints.entries()) {
    const at = `endpoints[${index}]`;
    if (addresses.length === 0) errors.push(required(`${at}.addresses`, "must contain at least 1 address"));
    else if (addresses.length > limits.addresses) errors.push(tooMany(`${at}.addresses`, addresses.length, limits.addresses));
    for (const [addressIndex, address] of addresses.entries()) addAll(errors, validateAddress(type, address, `${at}.addresses`, addressIndex));
    if (nodeName !== undefined) addAll(errors, dnsSubdomain(`${at}.nodeName`, nodeName));
    const labels = Object.keys(deprecatedTopology).length;
    if (labels > limits.topologyLabels) errors.push(tooMany(`${at}.deprecatedTopology`, labels, limits.topologyLabels));
    addAll(errors, labelsErrors(`${at}.deprecatedTopology`, deprecatedTopology));
    if (hostname !== undefined) addAll(errors, dnsLabel(`${at}.hostname`, hostname));
    if (hints) addAll(errors, validateHints(hints, `${at}.hints`));
  }
  return errors;
}

function validate(slice: EndpointSlice, previous: EndpointSlice | undefined): readonly FieldError[] {
  const { addressType } = slice;
  const [ports, endpoints] = [slice.ports ?? [], slice.endpoints ?? []];
  const errors: FieldError[] = [];
  addAll(errors, oneOf("addressType", addressType, ["FQDN", "IPv4", "IPv6"]));
  if (ports.length > limits.ports) {
    errors.push(tooMany("ports", ports.length, limits.ports));
  } else {
    const names = new Set<string>();
    for (const [index, { name = "", protocol, appProtocol }] of ports.entries()) {
      const at = `ports[${index}]`;
      if (name !== "") addAll(errors, dnsLabel(`${at}.name`, name));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
      addAll(errors, oneOf(`${at}.protocol`, protocol, ["SCTP", "TCP", "UDP"]));
      if (appProtocol !== undefined) addAll(errors, qualifiedName(`${at}.appProtocol`, appProtocol));
    }
  }
  if (previous === undefined || !semanticallyEqual(endpoints, previous.endpoints)) addAll(errors, validateEndpoints(endpoints, addressType));
  return errors;
}
