import { required, type FieldError } from "../../apimachinery/field-error.ts";
import { ipWarnings, legacyIpErrors, portNumberErrors } from "../../apimachinery/validation.ts";
import { absent, dnsLabel, dnsSubdomain, invalidEach, oneOf, qualifiedName } from "../checks.ts";
import { semanticallyEqual } from "../strategy.ts";
import { validateEndpointIp } from "./endpoint-address.ts";
import { endpoints, type Endpoints } from "../generated/core-v1.ts";
import { changeEach, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

export const endpointsResource = defineResource<Endpoints>(endpoints, {
  validateName: dnsSubdomainName,
  createOnUpdate: true,
  defaults: (object) => changeEach(object, "subsets", (subset) => changeEach(subset, "ports", (port) => withDefaults(port, { protocol: "TCP" }))),
  validate,
  validateUpdate: (next, previous) => (semanticallyEqual(next.subsets, previous.subsets) ? [] : validate(next)),
  warningsOnCreate: warnings,
  warningsOnUpdate: warnings,
  columns: [nameColumn, text("Endpoints", endpointsText), ageColumn],
});

/** The controller of Endpoints writes addresses as it finds them in pods, and nobody would read its warnings. */
function warnings({ metadata, subsets = [] }: Endpoints): readonly string[] {
  if (metadata.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller") return [];
  return subsets.flatMap((subset, index) => (["addresses", "notReadyAddresses"] as const).flatMap((field) =>
    (subset[field] ?? []).flatMap(({ ip }, at) => ipWarnings(`subsets[${index}].${field}[${at}].ip`, ip))));
}

/** The first three addresses with their ports; headless Services without ports show addresses alone. */
function endpointsText({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return "<none>";
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0 ? addresses.map(({ ip = "" }) => ip) : ports.flatMap(({ port = 0 }) => addresses.map(({ ip = "" }) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`))));
  return all.length > 3 ? `${all.slice(0, 3).join(",")} + ${all.length - 3} more...` : all.join(",");
}

function validate({ subsets = [] }: Endpoints): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
    const at = `subsets[${index}]`;
    if (addresses.length + notReadyAddresses.length === 0) errors.push(required(at, "must specify `addresses` or `notReadyAddresses`"));
    for (const [field, list] of [["addresses", addresses], ["notReadyAddresses", notReadyAddresses]] as const) {
      for (const [addressIndex, { ip = "", hostname, nodeName }] of list.entries()) {
        const path = `${at}.${field}[${addressIndex}]`;
        addAll(errors, legacyIpErrors(`${path}.ip`, ip));
        if (!absent(hostname)) addAll(errors, dnsLabel(`${path}.hostname`, hostname));
        if (nodeName !== undefined) addAll(errors, dnsSubdomain(`${path}.nodeName`, nodeName));
        addAll(errors, validateEndpointIp(ip, `${path}.ip`));
      }
    }
    for (const [portIndex, { name, port, protocol, appProtocol }] of ports.entries()) {
      const path = `${at}.ports[${portIndex}]`;
      if (!absent(name)) addAll(errors, dnsLabel(`${path}.name`, name));
      else if (ports.length > 1) errors.push(required(`${path}.name`));
      addAll(errors, invalidEach(`${path}.port`, port ?? 0, portNumberErrors(port ?? 0)));
      addAll(errors, oneOf(`${path}.protocol`, protocol, ["SCTP", "TCP", "UDP"]));
      if (appProtocol !== undefined) addAll(errors, qualifiedName(`${path}.appProtocol`, appProtocol));
    }
  }
  return errors;
}
