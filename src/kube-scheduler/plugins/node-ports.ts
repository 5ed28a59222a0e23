import { HostPorts } from "../framework/host-ports.ts";
import { podInfoOf } from "../framework/pod-info.ts";
import { rejection, type Plugin } from "../framework/plugin.ts";

const name = "NodePorts";
const rejected = rejection(name, "unschedulable", "node(s) didn't have free ports for the requested pod ports");

/** Host ports are given to one pod only. */
export const nodePorts: Plugin = {
  name,
  filter: ({ hostPorts }) => (hostPorts.length === 0 ? undefined : { check: ({ usedPorts }) => (hostPorts.some((port) => usedPorts.conflicts(port)) ? rejected : undefined) }),

  mayHelp(event, { hostPorts }) {
    if (event.resource === "Node") return event.previous === undefined;
    if (event.resource !== "AssignedPod" || event.next || !event.previous) return false;
    const freed = new HostPorts();
    for (const port of podInfoOf(event.previous).hostPorts) freed.add(port);
    return hostPorts.some((port) => freed.conflicts(port));
  },
};
