import type { Plugin } from "../framework/plugin.ts";

/** A pod with scheduling gates is not looked at before all of them are gone (KEP-3521). */
export const schedulingGates: Plugin = {
  name: "SchedulingGates",
  gate({ pod }) {
    const gates = pod.spec?.schedulingGates ?? [];
    return gates.length === 0 ? undefined : `waiting for scheduling gates: [${gates.map(({ name }) => name).join(" ")}]`;
  },
};
