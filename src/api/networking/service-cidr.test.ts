import { testCreates, testUpdates } from "../validation-table.ts";
import { serviceCidrResource } from "./service-cidr.ts";

testCreates(serviceCidrResource, [
  ["both families", { spec: { cidrs: ["10.0.0.0/24", "fd00::/112"] } }, []],
  ["no ranges", { spec: {} }, ["spec.cidrs: Required value: at least one CIDR required"]],
  ["bits beyond the prefix", { spec: { cidrs: ["10.0.0.1/24"] } }, ['spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length']],
  ["one family twice", { spec: { cidrs: ["10.0.0.0/24", "10.1.0.0/24"] } }, ['spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64']],
]);
testUpdates(serviceCidrResource, [
  ["another range", { spec: { cidrs: ["10.0.0.0/24"] } }, { spec: { cidrs: ["10.1.0.0/24"] } }, ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable']],
  ["the other family is added", { spec: { cidrs: ["10.0.0.0/24"] } }, { spec: { cidrs: ["10.0.0.0/24", "fd00::/112"] } }, []],
  ["a family is taken away", { spec: { cidrs: ["10.0.0.0/24", "fd00::/112"] } }, { spec: { cidrs: ["10.0.0.0/24"] } }, ['spec.cidrs: Invalid value: ["10.0.0.0/24"]: field is immutable']],
]);
