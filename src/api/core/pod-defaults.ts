import type { Container, Pod, PodSpec } from "../generated/core-v1.ts";
import { changeEach, changeField, withDefaults } from "../defaulting.ts";
import { podSpecDefaults } from "./pod-spec/defaults.ts";
import { aggregateContainers, isHugePages, isPodLevelResource } from "./pod-resources.ts";
import type { ResourceList } from "./resource-list.ts";

/** Who sets a limit and no request asks for the limit. In pods only: a template keeps what was written. */
const requestsFromLimits = (container: Container): Container =>
  changeField(container, "resources", (resources) => {
    const { limits, requests = {} } = resources;
    if (limits === undefined || Object.keys(limits).every((name) => name in requests)) return resources;
    return { ...resources, requests: { ...limits, ...requests } };
  });

/** On the node's own network, a container's ports are the node's. */
const hostPorts = (container: Container): Container =>
  changeEach(container, "ports", (port) => ((port.hostPort ?? 0) === 0 && port.containerPort !== undefined ? { ...port, hostPort: port.containerPort } : port));

/** Resources of the pod as a whole (KEP-2837): limits of huge pages and requests follow from those of the containers. */
function podLevelResources(spec: PodSpec): PodSpec {
  const { resources } = spec;
  if (resources === undefined) return spec;
  const { limits = {}, requests = {} } = resources;
  if (Object.keys(limits).length === 0 && Object.keys(requests).length === 0) return spec;

  const nextLimits: Record<string, string> = { ...limits };
  for (const [name, amount] of Object.entries(aggregateContainers(spec, "limits"))) {
    if (isHugePages(name) && !(name in requests) && !(name in nextLimits)) nextLimits[name] = amount;
  }
  const nextRequests = Object.keys(nextLimits).length === 0 ? requests : podRequests(spec, nextLimits, requests);
  if (Object.keys(nextLimits).length === Object.keys(limits).length && Object.keys(nextRequests).length === Object.keys(requests).length) return spec;
  return {
    ...spec,
    resources: { ...resources, ...(Object.keys(nextLimits).length > 0 && { limits: nextLimits }), ...(Object.keys(nextRequests).length > 0 && { requests: nextRequests }) },
  };
}

function podRequests(spec: PodSpec, limits: ResourceList, requests: ResourceList): ResourceList {
  const next: Record<string, string> = { ...requests };
  for (const [name, amount] of Object.entries(aggregateContainers(spec, "requests"))) {
    if (isPodLevelResource(name) && !isHugePages(name) && !(name in next)) next[name] = amount;
  }
  for (const [name, amount] of Object.entries(limits)) {
    if (isPodLevelResource(name) && !(name in next)) next[name] = amount;
  }
  return next;
}

/** A pod without a spec gets the defaults of an empty one, so that only its containers are told to be missing. */
export const podDefaults = (pod: Pod): Pod =>
  changeField(pod.spec === undefined ? { ...pod, spec: { containers: [] } } : pod, "spec", (spec) => {
    let next = changeEach(changeEach(spec, "containers", requestsFromLimits), "initContainers", requestsFromLimits);
    next = podLevelResources(next);
    next = withDefaults(next, { enableServiceLinks: true });
    // Who asks for less than no time gets the shortest there is (upstream converts it so).
    if ((next.terminationGracePeriodSeconds ?? 0) < 0) next = { ...next, terminationGracePeriodSeconds: 1 };
    if (next.hostNetwork === true) next = changeEach(changeEach(next, "containers", hostPorts), "initContainers", hostPorts);
    return podSpecDefaults(next);
  });
