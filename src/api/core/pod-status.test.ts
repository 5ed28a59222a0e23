import { testUpdates, type Loose } from "../validation-table.ts";
import { podResource } from "./pod.ts";

const pod = { spec: { containers: [{ name: "c", image: "nginx", resources: { requests: { "example.com/gpu": "1" }, limits: { "example.com/gpu": "1" } } }] } };
const next = (status: Loose): Loose => ({ ...pod, status: { qosClass: "BestEffort", ...status } });
const of = (more: Loose): Loose => next({ containerStatuses: [{ name: "c", ...more }] });
const at = "status.containerStatuses[0]";

testUpdates(podResource, [
  ["who runs it", pod, of({ user: { linux: { uid: 0, gid: 0 } } }), []],
  ["nobody that there is", pod, of({ user: { linux: { uid: -1, gid: 0, supplementalGroups: [-2] } } }), [
    `${at}.user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive`, `${at}.user.linux.supplementalGroups[0]: Invalid value: -2: must be between 0 and 2147483647, inclusive`,
  ]],
  ["the health of something else", pod, of({ allocatedResourcesStatus: [{ name: "example.com/nic", resources: [{ resourceID: "a", health: "Fine" }, { resourceID: "a", health: "Healthy", message: "" }] }] }), [
    `${at}.allocatedResourcesStatus[0].name: Invalid value: "example.com/nic": must match one of the container's resource requests`,
    `${at}.allocatedResourcesStatus[0].resources[0].health: Unsupported value: "Fine": supported values: "Healthy", "Unhealthy", "Unknown"`,
    `${at}.allocatedResourcesStatus[0].resources[1].message: Required value: must be non-empty if specified`, `${at}.allocatedResourcesStatus[0].resources[1].resourceID: Duplicate value: "a"`,
  ]],
  ["a claim for its devices", pod, next({ extendedResourceClaimStatus: { resourceClaimName: "r", requestMappings: [{ containerName: "c", resourceName: "example.com/gpu", requestName: "gpu" }] } }), []],
  ["a claim of nothing", pod, next({ extendedResourceClaimStatus: {} }), [
    "status.extendedResourceClaimStatus.requestMappings: Required value: at least one request mapping is required", "status.extendedResourceClaimStatus.resourceClaimName: Required value",
  ]],
], "status");
