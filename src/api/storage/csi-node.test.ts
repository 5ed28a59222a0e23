import { testCreates, testUpdates, type Loose } from "../validation-table.ts";
import { csiNodeResource } from "./csi-node.ts";

const drivers = (...list: readonly Loose[]): Loose => ({ spec: { drivers: list } });
const good = { name: "example.com", nodeID: "n1", topologyKeys: ["example.com/zone"] };
testCreates(csiNodeResource, [
  ["a good one", drivers(good), []],
  ["an empty driver", drivers({}), ["spec.drivers[0].name: Required value", "spec.drivers[0].nodeID: Required value"]],
  ["a driver twice", drivers(good, good), ['spec.drivers[1].name: Duplicate value: "example.com"']],
  ["room for less than none", drivers({ ...good, allocatable: { count: -1 } }), ["spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0"]],
  ["a key twice", drivers({ ...good, topologyKeys: ["zone", "zone"] }), ['spec.drivers[0]: Duplicate value: "zone"']],
  ["a name that is too long", drivers({ ...good, nodeID: "x".repeat(257) }), [`spec.drivers[0].nodeID: Invalid value: "${"x".repeat(257)}": must be 256 characters or less`]],
]);
testUpdates(csiNodeResource, [
  ["more room", drivers(good), drivers({ ...good, allocatable: { count: 5 } }), []],
  ["another name of the node", drivers(good), drivers({ name: "example.com", nodeID: "n2" }), ['spec.drivers: Invalid value: {"Name":"example.com","NodeID":"n2","TopologyKeys":null,"Allocatable":null}: field is immutable']],
]);
