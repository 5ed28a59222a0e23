import { testCreates, testUpdates, testWarnings, type Loose } from "../validation-table.ts";
import { storageClassResource } from "./storage-class.ts";

const terms = (...allowedTopologies: readonly Loose[]): Loose => ({ provisioner: "example.com/p", allowedTopologies });
const zones = (...values: readonly string[]): Loose => ({ matchLabelExpressions: [{ key: "zone", values }] });
testCreates(storageClassResource, [
  ["a good one", terms(zones("a", "b"), zones("c")), []],
  ["nobody to provision", {}, ["provisioner: Required value"]],
  ["too much to say", { provisioner: "p", parameters: { a: "x".repeat(256 * 1024) } }, ["parameters: Too long: may not be more than 262144 bytes"]],
  ["a parameter without name", { provisioner: "p", parameters: { "": "x" } }, ['parameters: Invalid value: "": field can not be empty.']],
  ["an unknown policy", { provisioner: "p", reclaimPolicy: "Recycle" }, ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"']],
  ["an unknown mode", { provisioner: "p", volumeBindingMode: "X" }, ['volumeBindingMode: Unsupported value: "X": supported values: "Immediate", "WaitForFirstConsumer"']],
  ["no zones", terms(zones()), ["allowedTopologies[0].matchLabelExpressions[0].values: Required value"]],
  ["a zone twice", terms(zones("a", "a")), ['allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"']],
  ["a term twice", terms(zones("a", "b"), zones("b", "a")), ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""']],
]);
testUpdates(storageClassResource, [
  ["other parameters", { provisioner: "p" }, { provisioner: "q", parameters: { a: "b" }, reclaimPolicy: "Retain" }, [
    'parameters: Invalid value: {"a":"b"}: field is immutable', 'provisioner: Invalid value: "q": field is immutable', 'reclaimPolicy: Invalid value: "Retain": field is immutable',
  ]],
  ["growing", { provisioner: "p" }, { provisioner: "p", allowVolumeExpansion: true }, []],
]);
testWarnings(storageClassResource, [
  ["an old label", terms({ matchLabelExpressions: [{ key: "failure-domain.beta.kubernetes.io/zone", values: ["a"] }] }), ['allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.17; use "topology.kubernetes.io/zone" instead']],
]);
