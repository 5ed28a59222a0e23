import assert from "node:assert/strict";
import { test } from "node:test";
import { stored, testCreates, testUpdates, testWarnings, type Loose } from "../validation-table.ts";
import type { Resource } from "../resource.ts";
import { persistentVolumeClaimResource } from "./persistent-volume-claim.ts";

const claim = (more: Loose = {}, storage = "1Gi"): Loose => ({ spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } }, ...more } });
const bound = (object: Loose, status: Loose = {}): Loose => ({ ...object, status: { phase: "Bound", ...status } });

testCreates(persistentVolumeClaimResource, [
  ["a good one", claim(), []],
  ["an empty one", { spec: {} }, ["spec.accessModes: Required value: at least 1 access mode is required", "spec.resources[storage]: Required value"]],
  ["an unknown mode", claim({ accessModes: ["X"] }), ['spec.accessModes: Unsupported value: "X": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"']],
  ["one pod and many", claim({ accessModes: ["ReadWriteOncePod", "ReadOnlyMany"] }), ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"]],
  ["no room", claim({}, "0"), ['spec.resources[storage]: Invalid value: "0": must be greater than zero']],
  ["an unknown form", claim({ volumeMode: "X" }), ['spec.volumeMode: Unsupported value: "X": supported values: "Block", "Filesystem"']],
  ["sources that differ", claim({ dataSource: { kind: "PersistentVolumeClaim", name: "a" }, dataSourceRef: { kind: "PersistentVolumeClaim", name: "b" } }), ['spec: Invalid value: {}: must match dataSourceRef']],
  ["a source of no group", claim({ dataSourceRef: { kind: "X", name: "a" } }), [
    'spec.dataSource: Invalid value: "X": must be \'PersistentVolumeClaim\' when referencing the default apiGroup', 'spec.dataSourceRef: Invalid value: "X": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
  ]],
]);
testUpdates(persistentVolumeClaimResource, [
  ["binding", claim(), claim({ volumeName: "v" }), []],
  ["growing when bound", bound(claim()), claim({}, "2Gi"), []],
  ["shrinking to what there is", bound(claim({}, "2Gi"), { capacity: { storage: "1Gi" } }), claim(), ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"]],
  ["naming a class", claim(), claim({ storageClassName: "fast" }), []],
  ["the class moves to its field", { ...claim(), metadata: { annotations: { "volume.beta.kubernetes.io/storage-class": "fast" } } }, claim({ storageClassName: "fast" }), []],
  ["the class changes in its annotation", { ...claim(), metadata: { annotations: { "volume.beta.kubernetes.io/storage-class": "fast" } } }, { ...claim(), metadata: { annotations: { "volume.beta.kubernetes.io/storage-class": "slow" } } }, [
    'metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: "slow": field is immutable',
  ]],
  ["attributes are taken away", bound(claim({ volumeAttributesClassName: "gold" }), { currentVolumeAttributesClassName: "gold" }), claim(), ["spec.volumeAttributesClassName: Forbidden: update to nil is forbidden when status.currentVolumeAttributesClassName is not nil"]],
]);
testUpdates(persistentVolumeClaimResource, [
  ["amounts", claim(), { status: { capacity: { storage: "-1" }, allocatedResourceStatuses: { storage: "X", cpu: "NodeResizePending" }, allocatedResources: { memory: "1" } } }, [
    "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
    'status.allocatedResourceStatuses: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
    'status.allocatedResourceStatuses: Unsupported value: "cpu": supported values: "storage"', 'status.allocatedResources: Unsupported value: "memory": supported values: "storage"',
  ]],
], "status");
testWarnings(persistentVolumeClaimResource, [
  ["parts of a byte", claim({}, "500m"), ['spec.resources.requests[storage]: fractional byte value "500m" is invalid, must be an integer']],
]);

test("both fields for the source of a claim say the same", () => {
  const specOf = (more: Loose): unknown => { const { dataSource, dataSourceRef } = (stored(persistentVolumeClaimResource as unknown as Resource, claim(more)) as unknown as { readonly spec: Loose }).spec; return [dataSource, dataSourceRef]; };
  const snapshot = { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "s" };
  assert.deepEqual(specOf({ dataSource: snapshot }), [snapshot, snapshot]);
  assert.deepEqual(specOf({ dataSourceRef: { apiGroup: "example.com", kind: "X", name: "x" } }), [{ apiGroup: "example.com", kind: "X", name: "x" }, { apiGroup: "example.com", kind: "X", name: "x" }]);
  assert.deepEqual(specOf({ dataSource: { apiGroup: "example.com", kind: "X", name: "x" } }), [undefined, undefined]);
  assert.deepEqual(specOf({ dataSourceRef: { ...snapshot, namespace: "other" } }), [undefined, undefined]);
});
