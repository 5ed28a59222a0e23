import { duplicate, invalid, required, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { fullyQualifiedDomainNameErrors, ipErrors, labelsErrors, labelValueErrors, legacyIpErrors } from "../../apimachinery/validation.ts";
import { dnsLabel, dnsSubdomain, immutable, invalidEach, oneOf, qualifiedName } from "../checks.ts";
import { validateEndpointIp } from "../core/endpoint-address.ts";
import type { Endpoint, EndpointHints } from "../generated/discovery-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
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
  validate: (slice) => validate(slice, undefined),
  *validateUpdate(next, previous) {
    yield* validate(next, previous);
    yield* immutable("addressType", next.addressType, previous.addressType);
  },
  columns: [
    nameColumn,
    text("AddressType", ({ addressType }) => addressType),
    text("Ports", ({ ports }) => withMore((ports ?? []).map(({ port, name }) => (port === undefined ? name ?? "*" : `${port}`)))),
    text("Endpoints", ({ endpoints }) => withMore((endpoints ?? []).flatMap(({ addresses }) => addresses))),
    ageColumn,
  ],
});

const limits = { endpoints: 1000, addresses: 100, ports: 20_000, topologyLabels: 16, hints: 8 } as const;

function* validateAddress(type: string, address: string, path: string, index: number): Generator<FieldError> {
  const at = `${path}[${index}]`;
  if (type === "FQDN") return yield* fullyQualifiedDomainNameErrors(at, address);
  if (type !== "IPv4" && type !== "IPv6") return;
  const problems = type === "IPv4" ? legacyIpErrors(at, address) : ipErrors(at, address);
  if (problems.length > 0) return yield* problems;
  if (address.includes(":") !== (type === "IPv6")) yield invalid(path, address, `must be an ${type} address`);
  yield* validateEndpointIp(address, at);
}

function* validateHints(hints: EndpointHints, path: string): Generator<FieldError> {
  for (const [field, check] of [["forZones", labelValueErrors], ["forNodes", undefined]] as const) {
    const list = hints[field] ?? [];
    if (list.length > limits.hints) return yield tooMany(`${path}.${field}`, list.length, limits.hints);
    const seen = new Set<string>();
    for (const [index, { name }] of list.entries()) {
      const at = `${path}.${field}[${index}].name`;
      if (seen.has(name)) yield duplicate(at, name);
      seen.add(name);
      yield* check === undefined ? dnsSubdomain(at, name) : invalidEach(at, name, check(name));
    }
  }
}

function* validateEndpoints(endpoints: readonly Endpoint[], type: string): Generator<FieldError> {
  if (endpoints.length > limits.endpoints) return yield tooMany("endpoints", endpoints.length, limits.endpoints);
  for (const [index, { addresses = [], nodeName, hostname, deprecatedTopology = {}, hints }] of endpoints.entries()) {
    const at = `endpoints[${index}]`;
    if (addresses.length === 0) yield required(`${at}.addresses`, "must contain at least 1 address");
    else if (addresses.length > limits.addresses) yield tooMany(`${at}.addresses`, addresses.length, limits.addresses);
    for (const [addressIndex, address] of addresses.entries()) yield* validateAddress(type, address, `${at}.addresses`, addressIndex);
    if (nodeName !== undefined) yield* dnsSubdomain(`${at}.nodeName`, nodeName);
    const labels = Object.keys(deprecatedTopology).length;
    if (labels > limits.topologyLabels) yield tooMany(`${at}.deprecatedTopology`, labels, limits.topologyLabels);
    yield* labelsErrors(`${at}.deprecatedTopology`, deprecatedTopology);
    if (hostname !== undefined) yield* dnsLabel(`${at}.hostname`, hostname);
    if (hints) yield* validateHints(hints, `${at}.hints`);
  }
}

function* validate({ addressType, ports = [], endpoints = [] }: EndpointSlice, previous: EndpointSlice | undefined): Generator<FieldError> {
  yield* oneOf("addressType", addressType, ["FQDN", "IPv4", "IPv6"]);
  if (ports.length > limits.ports) {
    yield tooMany("ports", ports.length, limits.ports);
  } else {
    const names = new Set<string>();
    for (const [index, { name = "", protocol, appProtocol }] of ports.entries()) {
      const at = `ports[${index}]`;
      if (name !== "") yield* dnsLabel(`${at}.name`, name);
      if (names.has(name)) yield duplicate(`${at}.name`, name);
      names.add(name);
      yield* oneOf(`${at}.protocol`, protocol, ["SCTP", "TCP", "UDP"]);
      if (appProtocol !== undefined) yield* qualifiedName(`${at}.appProtocol`, appProtocol);
    }
  }
  if (previous === undefined || !semanticallyEqual(endpoints, previous.endpoints)) yield* validateEndpoints(endpoints, addressType);
}
