import type { Service } from "../../api/generated/core-v1.ts";

const variable = (name: string): string => name.toUpperCase().replaceAll("-", "_");
const hostPort = (ip: string, port: number): string => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);
const hasIp = ({ spec }: Service): boolean => spec?.type !== "ExternalName" && spec?.clusterIP !== undefined && spec.clusterIP !== "" && spec.clusterIP !== "None";

function* variablesOf(service: Service): Generator<readonly [string, string], void> {
  const name = variable(service.metadata.name ?? "");
  const { clusterIP = "", ports = [] } = service.spec ?? {};
  yield [`${name}_SERVICE_HOST`, clusterIP];
  if (ports[0]) yield [`${name}_SERVICE_PORT`, String(ports[0].port)];
  for (const port of ports) if (port.name !== undefined && port.name !== "") yield [`${name}_SERVICE_PORT_${variable(port.name)}`, String(port.port)];
  for (const [index, port] of ports.entries()) {
    const protocol = port.protocol ?? "TCP";
    const url = `${protocol.toLowerCase()}://${hostPort(clusterIP, port.port)}`;
    const prefix = `${name}_PORT_${port.port}_${protocol.toUpperCase()}`;
    if (index === 0) yield [`${name}_PORT`, url];
    yield [prefix, url];
    yield [`${prefix}_PROTO`, protocol.toLowerCase()];
    yield [`${prefix}_PORT`, String(port.port)];
    yield [`${prefix}_ADDR`, clusterIP];
  }
}

/** Variables that tell a container of the services: those of its namespace, if the pod wants links, and of the API server always. */
export function serviceEnvironment(services: readonly Service[], namespace: string, links: boolean): ReadonlyMap<string, string> {
  const api = services.find(({ metadata }) => metadata.namespace === "default" && metadata.name === "kubernetes");
  const own = links ? services.filter(({ metadata }) => metadata.namespace === namespace) : [];
  const chosen = [...(api && !own.some(({ metadata }) => metadata.name === "kubernetes") ? [api] : []), ...own].filter(hasIp);
  return new Map(chosen.flatMap((service) => [...variablesOf(service)]));
}
