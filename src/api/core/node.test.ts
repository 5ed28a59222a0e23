import { testCreates, testUpdates } from "../validation-table.ts";
import { nodeResource } from "./node.ts";

const taint = { key: "k", effect: "NoSchedule" };
testCreates(nodeResource, [
  ["a good one", { spec: { podCIDRs: ["10.0.0.0/24"] } }, []],
  ["a taint twice", { spec: { taints: [taint, taint] } }, ['metadata.taints[1]: Duplicate value: {"Key":"k","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair']],
  ["one family twice", { spec: { podCIDRs: ["10.0.0.0/24", "10.1.0.0/24"] } }, ['spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family']],
]);
testUpdates(nodeResource, [
  ["other ranges", { spec: { podCIDRs: ["10.0.0.0/24"], providerID: "a" } }, { spec: { podCIDRs: ["10.1.0.0/24"], providerID: "b" } }, [
    'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid', 'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
  ]],
]);
