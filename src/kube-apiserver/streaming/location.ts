import { nodes, pods, services, type Node, type Pod, type Service } from "../../api/generated/core-v1.ts";
import { endpointslices } from "../../api/generated/discovery-v1.ts";
import { badRequest, notFoundError, StatusError } from "../../apimachinery/status-error.ts";
import { isLinkLocalUnicast, isLoopback, isMulticast, isUnspecified, parseIp } from "../../stdx/ip.ts";
import type { ClusterReader } from "../access.ts";

/** Where the answer to a streaming request is to be had. */
export interface Location {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  /** With its query, from "/". */
  readonly path: string;
  /** The node's own API, which knows us by our certificate; anything else is a server of the user's. */
  readonly kubelet: boolean;
}

const core = (resource: string) => ({ group: "", resource });
const defaultKubeletPort = 10250;
/** The order in which upstream's API server prefers a node's addresses. */
const addressTypes = ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"] as const;

/** The container that a request without one means. @throws {StatusError} BadRequest when it does not say which, or names none of the pod's. */
export function containerOf(pod: Pod, asked: string): string {
  const containers = pod.spec?.containers ?? [];
  const all = [...(pod.spec?.initContainers ?? []), ...containers, ...(pod.spec?.ephemeralContainers ?? [])].map(({ name }) => name);
  if (asked !== "") {
    if (!all.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
    return asked;
  }
  const [only] = containers;
  if (containers.length === 1 && only) return only.name;
  throw badRequest(`a container name must be specified for pod ${pod.metadata.name}${containers.length === 0 ? "" : `, choose one of: [${all.join(" ")}]`}`);
}

/** @throws {StatusError} when the node is unknown or has no address. */
export function kubeletOf(reader: ClusterReader, nodeName: string): Pick<Location, "scheme" | "host" | "port" | "kubelet"> {
  const node: Node | undefined = reader.get(nodes, "", nodeName);
  if (!node) throw notFoundError(core("nodes"), nodeName);
  const addresses = node.status?.addresses ?? [];
  // A host name is no use where nobody resolves it, and our nodes do not have one in DNS: addresses go first here.
  const address = addresses.find(({ type }) => type === "InternalIP") ?? addressTypes.map((type) => addresses.find((each) => each.type === type)).find((each) => each !== undefined);
  if (!address) throw new StatusError("InternalError", `no preferred addresses found; known addresses: [${addresses.map(({ address: each }) => each).join(" ")}]`);
  return { scheme: "https", host: address.address, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? defaultKubeletPort, kubelet: true };
}

const truthy = (text: string | null): boolean => text === "true" || text === "1";

function streamParameters(query: URLSearchParams): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [from, to] of [["stdin", "input"], ["stdout", "output"], ["stderr", "error"], ["tty", "tty"]] as const) {
    if (truthy(query.get(from))) parameters.set(to, "1");
  }
  for (const word of query.getAll("command")) parameters.append("command", word);
  return parameters;
}

const logParameters = ["follow", "previous", "timestamps", "sinceSeconds", "sinceTime", "tailLines", "limitBytes", "stream"] as const;

/** Undefined for the log of a pod that has no node yet: there is nothing to read. @throws {StatusError} */
export function logLocation(reader: ClusterReader, pod: Pod, query: URLSearchParams): Location | undefined {
  const container = containerOf(pod, query.get("container") ?? "");
  checkLogOptions(pod, query);
  const nodeName = pod.spec?.nodeName ?? "";
  if (nodeName === "") return undefined;
  const parameters = new URLSearchParams();
  for (const name of logParameters) for (const value of query.getAll(name)) parameters.append(name, value);
  return { ...kubeletOf(reader, nodeName), path: `/containerLogs/${pod.metadata.namespace}/${pod.metadata.name}/${container}?${parameters}` };
}

function checkLogOptions(pod: Pod, query: URLSearchParams): void {
  const causes: { reason: string; message: string; field: string }[] = [];
  const whole = (field: string, min: number, detail: string) => {
    const text = query.get(field);
    if (text === null || text === "") return;
    if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    if (Number(text) < min) causes.push({ reason: "FieldValueInvalid", message: `Invalid value: ${Number(text)}: ${detail}`, field });
  };
  whole("tailLines", 0, "must be greater than or equal to 0");
  whole("limitBytes", 1, "must be greater than 0");
  if (query.has("sinceSeconds") && query.has("sinceTime")) causes.push({ reason: "FieldValueForbidden", message: "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified", field: "" });
  whole("sinceSeconds", 1, "must be greater than 0");
  if (causes.length === 0) return;
  const texts = causes.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`));
  throw new StatusError("Invalid", `PodLogOptions ${JSON.stringify(pod.metadata.name)} is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`}`, {
    details: { name: pod.metadata.name ?? "", kind: "PodLogOptions", causes },
  });
}

/** @throws {StatusError} */
export function streamLocation(reader: ClusterReader, pod: Pod, subresource: "exec" | "attach" | "portforward", query: URLSearchParams): Location {
  const nodeName = (): string => {
    const name = pod.spec?.nodeName ?? "";
    if (name === "") throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
    return name;
  };
  const { namespace, name } = pod.metadata;
  if (subresource === "portforward") {
    const parameters = new URLSearchParams();
    const ports = query.getAll("ports").join(",");
    if (ports !== "") parameters.set("port", ports);
    return { ...kubeletOf(reader, nodeName()), path: `/portForward/${namespace}/${name}?${parameters}` };
  }
  if (subresource === "exec" && query.getAll("command").length === 0) throw badRequest("you must specify at least one command for the container");
  if (!["stdin", "stdout", "stderr"].some((each) => truthy(query.get(each)))) throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
  const container = containerOf(pod, query.get("container") ?? "");
  return { ...kubeletOf(reader, nodeName()), path: `/${subresource}/${namespace}/${name}/${container}?${streamParameters(query)}` };
}

/** "https:web:8080" → its parts; the name alone has neither scheme nor port. */
export function splitProxyName(name: string): { readonly scheme: "http" | "https"; readonly name: string; readonly port: string } {
  const parts = name.split(":");
  if (parts.length === 3) return { scheme: parts[0] === "https" ? "https" : "http", name: parts[1] ?? "", port: parts[2] ?? "" };
  return { scheme: "http", name: parts[0] ?? "", port: parts[1] ?? "" };
}

/** Addresses that mean the API server's own machine or its neighbours are not to be reached through it. */
function isProxied(address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && address !== "255.255.255.255" && !isUnspecified(ip) && !isLoopback(ip) && !isLinkLocalUnicast(ip) && !isMulticast(ip);
}

const isNumber = (text: string): boolean => /^\d{1,5}$/.test(text);

/** Where a proxied request goes. `name` is as the path has it, `path` begins with "/". @throws {StatusError} */
export function proxyLocation(reader: ClusterReader, resource: string, namespace: string, fullName: string, path: string, random: () => number): Location {
  const { scheme, name, port } = splitProxyName(fullName);
  if (resource === "nodes") {
    const kubelet = kubeletOf(reader, name);
    if (parseIp(kubelet.host) && !isProxied(kubelet.host)) throw badRequest("address not allowed");
    return { ...kubelet, ...(port !== "" && isNumber(port) && Number(port) !== kubelet.port && { port: Number(port), scheme, kubelet: false }), path };
  }
  if (resource === "pods") {
    const pod = reader.get(pods, namespace, name);
    if (!pod) throw notFoundError(core("pods"), name);
    const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
    const number = isNumber(port) ? Number(port) : port === "" ? ports[0]?.containerPort : ports.find((each) => each.name === port)?.containerPort;
    const host = pod.status?.podIP ?? "";
    if (!isProxied(host)) throw badRequest("address not allowed");
    return { scheme, host, port: number ?? (scheme === "https" ? 443 : 80), path, kubelet: false };
  }
  return serviceLocation(reader, { namespace, name, port, scheme, fullName, path, random });
}

/**
 * One of the Service's ready endpoints, chosen at random: the API server stands outside of the nodes, so service addresses mean nothing to it. Only
 * addresses that are those of pods: whoever may write EndpointSlices must not reach other servers with the API server's position in the network.
 */
function serviceLocation(reader: ClusterReader, { namespace, name, port, scheme, fullName, path, random }: { readonly namespace: string; readonly name: string; readonly port: string; readonly scheme: "http" | "https"; readonly fullName: string; readonly path: string; readonly random: () => number }): Location {
  const service: Service | undefined = reader.get(services, namespace, name);
  if (!service) throw notFoundError(core("services"), name);
  let portName = port;
  if (isNumber(port)) {
    const found = service.spec?.ports?.find((each) => each.port === Number(port));
    if (!found) throw new StatusError("ServiceUnavailable", `no service port ${Number(port)} found for service ${JSON.stringify(name)}`);
    portName = found.name ?? "";
  }
  const candidates = reader.list(endpointslices, namespace).filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name).flatMap((slice) => {
    const target = slice.ports?.find((each) => (each.name ?? "") === portName)?.port;
    if (target === undefined) return [];
    return (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses, targetRef }) => addresses.map((host) => ({ host, port: target, pod: targetRef?.kind === "Pod" ? targetRef.name : undefined })));
  });
  const belongs = ({ host, pod }: (typeof candidates)[number]): boolean =>
    pod !== undefined && reader.get(pods, namespace, pod)?.status?.podIPs?.some(({ ip }) => ip === host) === true && isProxied(host);
  const found = candidates.filter(belongs);
  const chosen = found[Math.floor(random() * found.length)];
  if (!chosen) throw new StatusError("ServiceUnavailable", `no endpoints available for service ${JSON.stringify(fullName)}`);
  return { scheme, host: chosen.host, port: chosen.port, path, kubelet: false };
}
