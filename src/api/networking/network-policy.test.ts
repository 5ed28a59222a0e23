import { testCreates, testUpdates, testWarnings, type Loose } from "../validation-table.ts";
import { networkPolicyResource } from "./network-policy.ts";

const from = (...peers: readonly Loose[]): Loose => ({ spec: { podSelector: {}, ingress: [{ from: peers }] } });
const ports = (...list: readonly Loose[]): Loose => ({ spec: { podSelector: {}, egress: [{ ports: list }] } });
testCreates(networkPolicyResource, [
  ["a good one", from({ podSelector: {} }, { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }), []],
  ["a bad range", from({ ipBlock: { cidr: "10.0.0.0" } }), ['spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
  ["an exception from something else", from({ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] } }), ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`']],
  ["a range and a selector", from({ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }), ["spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer"]],
  ["an unknown protocol", ports({ protocol: "X" }), ['spec.egress[0].ports[0].protocol: Unsupported value: "X": supported values: "TCP", "UDP", "SCTP"']],
  ["a range of ports by name", ports({ port: "http", endPort: 90 }), ["spec.egress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric"]],
  ["a range of ports backwards", ports({ port: 90, endPort: 80 }), ["spec.egress[0].ports[0].endPort: Invalid value: 90: must be greater than or equal to `port`"]],
  ["an unknown type", { spec: { podSelector: {}, policyTypes: ["X"] } }, ['spec.policyTypes[0]: Unsupported value: "X": supported values: "Ingress", "Egress"']],
]);
testUpdates(networkPolicyResource, [["a bad range stays", from({ ipBlock: { cidr: "10.0.0.0" } }), from({ ipBlock: { cidr: "10.0.0.0" } }), []]]);
testWarnings(networkPolicyResource, [
  ["a range that may mean one address", from({ ipBlock: { cidr: "10.0.0.1/8" } }), ['spec.ingress[0].from[0].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)']],
  ["leading zeros", from({ ipBlock: { cidr: "010.0.0.0/8" } }), ['spec.ingress[0].from[0].ipBlock.cidr: non-standard CIDR value "010.0.0.0/8" is invalid: use "10.0.0.0/8"']],
  ["letters in upper case", from({ ipBlock: { cidr: "FD00::/8" } }), ['spec.ingress[0].from[0].ipBlock.cidr: IPv6 CIDR value "FD00::/8" should be in RFC 5952 canonical format ("fd00::/8")']],
]);
