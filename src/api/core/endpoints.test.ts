import { testCreates, testUpdates } from "../validation-table.ts";
import { endpointsResource } from "./endpoints.ts";

const bad = { subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ port: 0 }, { port: 80, name: "a" }] }] };
testCreates(endpointsResource, [
  ["a good one", { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 80 }] }] }, []],
  ["no addresses", { subsets: [{}] }, ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]],
  ["its own machine", bad, [
    'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)', "subsets[0].ports[0].name: Required value", "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
  ]],
]);
testUpdates(endpointsResource, [["what was there stays", bad, bad, []]]);
