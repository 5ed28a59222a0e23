import type { PersistentVolume } from "../../api/generated/core-v1.ts";
import type { DeviceTaint, ResourceSlice } from "../../api/generated/resource-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { formatTime } from "../../apimachinery/time.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Begun, RegistryHooks } from "./registry.ts";

const asIs = (object: KubeObject): Begun => ({ object, end: () => undefined });

/** When the phase changed is noted, unless the writer of the status says so. Source: pkg/registry/core/persistentvolume/strategy.go. */
function withPhaseTime(next: PersistentVolume, previous: PersistentVolume, now: string): PersistentVolume {
  const [said, before] = [next.status?.lastPhaseTransitionTime, previous.status?.lastPhaseTransitionTime];
  if (next.status?.phase !== previous.status?.phase) return said === undefined || said === before ? { ...next, status: { ...next.status, lastPhaseTransitionTime: now } } : next;
  return said === undefined && before !== undefined ? { ...next, status: { ...next.status, lastPhaseTransitionTime: before } } : next;
}

export function persistentVolumeHooks(clock: Pick<Clock, "now">): RegistryHooks {
  return {
    beginUpdate: (next, previous, { subresource }) => asIs(subresource === "status" ? withPhaseTime(next as PersistentVolume, previous as PersistentVolume, formatTime(clock.now())) : next),
  };
}

/** Taints of devices that do not say since when they are there, are there since now. Source: pkg/apis/resource/v1/defaults.go. */
function withTaintTimes(slice: ResourceSlice, now: string): ResourceSlice {
  const { devices } = slice.spec;
  const isTimed = ({ timeAdded }: DeviceTaint): boolean => timeAdded !== undefined;
  if (devices?.every(({ taints }) => taints?.every(isTimed) ?? true) ?? true) return slice;
  return {
    ...slice,
    spec: { ...slice.spec, devices: devices?.map((device) => (device.taints ? { ...device, taints: device.taints.map((taint) => (isTimed(taint) ? taint : { ...taint, timeAdded: now })) } : device)) ?? [] },
  };
}

export function resourceSliceHooks(clock: Pick<Clock, "now">): RegistryHooks {
  const timed = (slice: KubeObject): Begun => asIs(withTaintTimes(slice as ResourceSlice, formatTime(clock.now())));
  return { beginCreate: timed, beginUpdate: timed };
}
