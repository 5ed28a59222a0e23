import type { PersistentVolume } from "../../api/generated/core-v1.ts";
import { withField } from "../../api/defaulting.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { formatTime } from "../../apimachinery/time.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { RegistryHooks } from "./registry.ts";

/** A volume that enters another phase gets the time of it, unless its writer knows better; one that stays keeps the time it has. */
export function volumePhaseHooks(clock: Pick<Clock, "now">): RegistryHooks {
  return {
    beginUpdate(next, previous, { subresource }) {
      const [{ status }, { status: before }] = [next as PersistentVolume, previous as PersistentVolume];
      const end = (): undefined => undefined;
      if (subresource !== "status") return { object: next, end };
      const [time, timeBefore] = [status?.lastPhaseTransitionTime, before?.lastPhaseTransitionTime];
      const same = (status?.phase ?? "") === (before?.phase ?? "");
      const known = same ? time ?? timeBefore : time === undefined || time === timeBefore ? formatTime(clock.now()) : time;
      return { object: { ...next, status: withField(status ?? {}, "lastPhaseTransitionTime", known) } as KubeObject, end };
    },
  };
}
