import { testCreates, testUpdates, testWarnings } from "../validation-table.ts";
import { csiStorageCapacityResource } from "./csi-storage-capacity.ts";

testCreates(csiStorageCapacityResource, [
  ["a good one", { storageClassName: "fast", capacity: "1Gi", nodeTopology: { matchLabels: { zone: "a" } } }, []],
  ["less than nothing", { storageClassName: "fast", capacity: "-1" }, ['capacity: Invalid value: "-1": must be greater than or equal to 0']],
  ["a selector that selects nothing known", { storageClassName: "fast", nodeTopology: { matchExpressions: [{ key: "zone", operator: "X" }] } }, ['nodeTopology.matchExpressions[0].operator: Invalid value: "X": not a valid selector operator']],
]);
testUpdates(csiStorageCapacityResource, [
  ["another class", { storageClassName: "fast" }, { storageClassName: "slow", nodeTopology: { matchLabels: { zone: "a" } } }, ['nodeTopology: Invalid value: {"matchLabels":{"zone":"a"}}: field is immutable', 'storageClassName: Invalid value: "slow": field is immutable']],
]);
testWarnings(csiStorageCapacityResource, [
  ["old labels", { nodeTopology: { matchLabels: { "beta.kubernetes.io/os": "linux" }, matchExpressions: [{ key: "beta.kubernetes.io/arch", operator: "Exists" }] } }, [
    'nodeTopology.matchExpressions[0].key: beta.kubernetes.io/arch is deprecated since v1.14; use "kubernetes.io/arch" instead', 'nodeTopology.matchLabels.beta.kubernetes.io/os: deprecated since v1.14; use "kubernetes.io/os" instead',
  ]],
]);
