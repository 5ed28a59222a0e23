import { rejection, type Plugin } from "../framework/plugin.ts";

const name = "NodeName";
const rejected = rejection(name, "unresolvable", "node(s) didn't match the requested node name");

/** A pod that names its node goes there. */
export const nodeName: Plugin = {
  name,
  filter: ({ pod: { spec } }) => (spec?.nodeName === undefined || spec.nodeName === "" ? undefined : { check: (node) => (node.name === spec.nodeName ? undefined : rejected) }),
  mayHelp: (event, { pod }) => event.resource === "Node" && event.previous === undefined && event.next?.metadata.name === pod.spec?.nodeName,
};
