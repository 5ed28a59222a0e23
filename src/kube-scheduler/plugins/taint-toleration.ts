import { toleratesTaint, untoleratedTaint } from "../framework/tolerations.ts";
import { normalizeByMax, rejection, type Plugin } from "../framework/plugin.ts";

const name = "TaintToleration";
const rejected = rejection(name, "unresolvable", "node(s) had untolerated taint(s)");

/** Keeps pods away from taints they do not tolerate, and prefers nodes with fewer taints of the effect PreferNoSchedule. */
export const taintToleration: Plugin = {
  name,
  weight: 3,
  filter: ({ tolerations }) => ({ check: ({ node }) => (untoleratedTaint(node?.spec?.taints, tolerations) ? rejected : undefined) }),

  scorer({ tolerations }) {
    const ofEffect = tolerations.filter(({ effect = "" }) => effect === "" || effect === "PreferNoSchedule");
    return {
      score({ node }) {
        let count = 0;
        for (const taint of node?.spec?.taints ?? []) if (taint.effect === "PreferNoSchedule" && !toleratesTaint(ofEffect, taint)) count++;
        return count;
      },
      normalize: (scores) => normalizeByMax(scores, { reverse: true }),
    };
  },

  mayHelp(event, { tolerations }) {
    if (event.resource !== "Node" || !event.next) return false;
    const before = event.previous === undefined || untoleratedTaint(event.previous.spec?.taints, tolerations) !== undefined;
    return before && untoleratedTaint(event.next.spec?.taints, tolerations) === undefined;
  },
};
