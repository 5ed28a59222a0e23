import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { cidrWarnings, labelSelectorErrors, legacyCidrErrors, portNameErrors, portNumberErrors } from "../../apimachinery/validation.ts";
import { cidrContains, parseCidrSloppy } from "../../stdx/ip.ts";
import { absent, invalidEach } from "../checks.ts";
import type { IPBlock, NetworkPolicyPeer, NetworkPolicySpec } from "../generated/networking-v1.ts";
import { networkpolicies, type NetworkPolicy, type NetworkPolicyPort } from "../generated/networking-v1.ts";
import { changeEach, changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { formatLabelSelector } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

const portDefaults = (port: NetworkPolicyPort): NetworkPolicyPort => withDefaults(port, { protocol: "TCP" });

const emptySpec = { podSelector: {} } as NetworkPolicySpec;

export const networkPolicyResource = defineResource<NetworkPolicy>(networkpolicies, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (policy) => changeField(withStruct(policy, "spec"), "spec", (spec) => {
    let next = changeEach(spec, "ingress", (rule) => changeEach(rule, "ports", portDefaults));
    next = changeEach(next, "egress", (rule) => changeEach(rule, "ports", portDefaults));
    next = withDefaults(next, { podSelector: {} });
    if ((next.policyTypes ?? []).length > 0) return next;
    return { ...next, policyTypes: (next.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"] };
  }),
  validate: ({ spec }) => validateSpec(spec ?? emptySpec, new Set()),
  validateUpdate: (next, previous) => validateSpec(next.spec ?? emptySpec, rangesOf(previous.spec ?? emptySpec)),
  warningsOnCreate: ({ spec }) => [...rangeWarnings(spec ?? emptySpec)],
  warningsOnUpdate: ({ spec }) => [...rangeWarnings(spec ?? emptySpec)],
  columns: [nameColumn, text("Pod-Selector", ({ spec }) => formatLabelSelector(spec?.podSelector ?? {})), ageColumn],
});

function rangeWarnings(spec: NetworkPolicySpec): readonly string[] {
  const blocks = [
    ...(spec.ingress ?? []).flatMap(({ from = [] }, index) => from.map(({ ipBlock }, peer) => ({ ipBlock, path: `spec.ingress[${index}].from[${peer}].ipBlock` }))),
    ...(spec.egress ?? []).flatMap(({ to = [] }, index) => to.map(({ ipBlock }, peer) => ({ ipBlock, path: `spec.egress[${index}].to[${peer}].ipBlock` }))),
  ];
  const found: string[] = [];
  for (const { ipBlock, path } of blocks) {
    if (!ipBlock) continue;
    addAll(found, cidrWarnings(`${path}.cidr`, ipBlock.cidr));
    for (const [index, except] of (ipBlock.except ?? []).entries()) addAll(found, cidrWarnings(`${path}.except[${index}]`, except));
  }
  return found;
}

/** Ranges that were stored before they were checked strictly stay valid. */
function rangesOf(spec: NetworkPolicySpec): ReadonlySet<string> {
  const peers = [...(spec.ingress ?? []).flatMap(({ from = [] }) => from), ...(spec.egress ?? []).flatMap(({ to = [] }) => to)];
  return new Set(peers.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : [])));
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: string): readonly FieldError[] {
  const protocols = ["TCP", "UDP", "SCTP"];
  const errors: FieldError[] = [];
  if (protocol !== undefined && !protocols.includes(protocol)) errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  if (port === undefined || port === null) {
    if (endPort !== undefined) errors.push(invalid(`${path}.endPort`, endPort, "may not be specified when `port` is not specified"));
  } else if (typeof port === "string") {
    if (endPort !== undefined) errors.push(invalid(`${path}.endPort`, endPort, "may not be specified when `port` is non-numeric"));
    addAll(errors, invalidEach(`${path}.port`, port, portNameErrors(port)));
  } else {
    addAll(errors, invalidEach(`${path}.port`, port, portNumberErrors(port)));
    if (endPort === undefined) return errors;
    if (endPort < port) errors.push(invalid(`${path}.endPort`, port, "must be greater than or equal to `port`"));
    addAll(errors, invalidEach(`${path}.endPort`, endPort, portNumberErrors(endPort)));
  }
  return errors;
}

function validateBlock({ cidr, except = [] }: IPBlock, path: string, known: ReadonlySet<string>): readonly FieldError[] {
  if (absent(cidr)) return [required(`${path}.cidr`)];
  const errors: FieldError[] = [];
  if (!known.has(cidr)) addAll(errors, legacyCidrErrors(`${path}.cidr`, cidr));
  const whole = parseCidrSloppy(cidr);
  if (whole === undefined) return errors;
  for (const [index, text] of except.entries()) {
    const at = `${path}.except[${index}]`;
    if (!known.has(text)) addAll(errors, legacyCidrErrors(at, text));
    const part = parseCidrSloppy(text);
    if (part !== undefined && (!cidrContains(whole, part.ip) || whole.prefix >= part.prefix)) errors.push(invalid(at, text, "must be a strict subset of `cidr`"));
  }
  return errors;
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: string, known: ReadonlySet<string>): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, labelSelectorErrors(`${path}.podSelector`, podSelector));
  addAll(errors, labelSelectorErrors(`${path}.namespaceSelector`, namespaceSelector));
  if (ipBlock) addAll(errors, validateBlock(ipBlock, `${path}.ipBlock`, known));
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(path, "must specify a peer"));
  else if (ipBlock && (podSelector || namespaceSelector)) errors.push(forbidden(path, "may not specify both ipBlock and another peer"));
  return errors;
}

function validateSpec(spec: NetworkPolicySpec, known: ReadonlySet<string>): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, labelSelectorErrors("spec.podSelector", spec.podSelector));
  const directions = [
    ...(spec.ingress ?? []).map(({ ports = [], from = [] }, index) => ({ path: `spec.ingress[${index}]`, ports, peers: from, field: "from" })),
    ...(spec.egress ?? []).map(({ ports = [], to = [] }, index) => ({ path: `spec.egress[${index}]`, ports, peers: to, field: "to" })),
  ];
  for (const { path, ports, peers, field } of directions) {
    for (const [index, port] of ports.entries()) addAll(errors, validatePort(port, `${path}.ports[${index}]`));
    for (const [index, peer] of peers.entries()) addAll(errors, validatePeer(peer, `${path}.${field}[${index}]`, known));
  }
  const types = spec.policyTypes ?? [];
  if (types.length > 2) return [...errors, invalid("spec.policyTypes", types, "may not specify more than two policyTypes")];
  for (const [index, type] of types.entries()) if (type !== "Ingress" && type !== "Egress") errors.push(notSupported(`spec.policyTypes[${index}]`, type, ["Ingress", "Egress"]));
  return errors;
}
