import { testCreates, testUpdates } from "../validation-table.ts";
import { volumeAttachmentResource } from "./volume-attachment.ts";

const spec = { attacher: "example.com", nodeName: "n", source: { persistentVolumeName: "v" } };
testCreates(volumeAttachmentResource, [
  ["a good one", { spec }, []],
  ["no source", { spec: { ...spec, attacher: "", source: {} } }, ["spec.attacher: Required value", "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"]],
  ["a volume of another kind", { spec: { ...spec, source: { inlineVolumeSpec: { hostPath: { path: "/x" }, capacity: { storage: "1" }, accessModes: ["ReadWriteOnce"] } } } }, [
    "spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes", "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes",
  ]],
]);
testUpdates(volumeAttachmentResource, [["another node", { spec }, { spec: { ...spec, nodeName: "m" } }, ['spec: Invalid value: {"Attacher":"example.com","Source":{"PersistentVolumeName":"v","InlineVolumeSpec":null},"NodeName":"m"}: field is immutable']]]);
testUpdates(volumeAttachmentResource, [
  ["a code below zero", { spec }, { spec, status: { attached: false, attachError: { errorCode: -1, message: "x".repeat(1025) } } }, [
    "status.attachError.message: Too long: may not be more than 262144 bytes", "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
  ]],
], "status");
