import { toleratesTaint } from "../framework/tolerations.ts";
import { rejection, type Plugin } from "../framework/plugin.ts";

const name = "NodeUnschedulable";
const rejected = rejection(name, "unresolvable", "node(s) were unschedulable");
const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

/** Keeps pods away from cordoned nodes. */
export const nodeUnschedulable: Plugin = {
  name,
  filter: (pod) => (toleratesTaint(pod.tolerations, taint) ? undefined : { check: ({ node }) => (node?.spec?.unschedulable === true ? rejected : undefined) }),
  mayHelp: (event) => event.resource === "Node" && event.next !== undefined && event.next.spec?.unschedulable !== true && (event.previous === undefined || event.previous.spec?.unschedulable === true),
};
