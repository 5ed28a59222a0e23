import { namedNodes, preferredNodes, requiredNodes } from "../framework/node-selection.ts";
import { normalizeByMax, rejection, type Plugin } from "../framework/plugin.ts";

const name = "NodeAffinity";
const rejected = rejection(name, "unresolvable", "node(s) didn't match Pod's node affinity/selector");
const contradiction = rejection(name, "unresolvable", "pod affinity terms conflict");

/** `nodeSelector` and node affinity, required and preferred. */
export const nodeAffinity: Plugin = {
  name,
  weight: 2,

  filter({ pod }) {
    const matches = requiredNodes(pod);
    if (!matches) return undefined;
    const only = namedNodes(pod);
    if (only?.size === 0) return contradiction;
    return { ...(only && { only }), check: ({ node }) => (node && matches(node) ? undefined : rejected) };
  },

  scorer({ pod }) {
    const preferred = preferredNodes(pod);
    if (preferred.length === 0) return undefined;
    return {
      score: ({ node }) => (node ? preferred.reduce((sum, { weight, matches }) => (matches(node) ? sum + weight : sum), 0) : 0),
      normalize: (scores) => normalizeByMax(scores),
    };
  },

  mayHelp(event, { pod }) {
    if (event.resource !== "Node" || !event.next) return false;
    const matches = requiredNodes(pod);
    if (!matches) return true;
    return matches(event.next) && (event.previous === undefined || !matches(event.previous));
  },
};
