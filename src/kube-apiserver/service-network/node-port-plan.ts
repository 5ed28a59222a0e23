import { invalid } from "../../apimachinery/field-error.ts";
import { internalStatusError, invalidError } from "../../apimachinery/status-error.ts";
import type { ServicePort } from "../../api/generated/core-v1.ts";
import { needsHealthCheckPort } from "../../api/core/service-update.ts";
import { hasNodePorts, portsOf, wantsNodePorts, type Spec } from "./service-spec.ts";

/** Where ports come from. `take` says what is wrong, or nothing; `takeAny` gives nothing when all are taken. */
export interface PortSource {
  take(port: number): string | undefined;
  takeAny(): number | undefined;
}

/** The spec with every node port and health check port that it lacks. @throws {StatusError} Invalid, InternalError */
export function withNodePorts(name: string, spec: Spec, before: Spec | undefined, source: PortSource): Spec {
  const found = !hasNodePorts(spec) || !spec.ports ? spec : { ...spec, ports: before ? portsOnUpdate(name, spec, before, source) : portsOnCreate(name, spec, source) };
  return needsHealthCheckPort(found) && !(before && needsHealthCheckPort(before)) ? { ...found, healthCheckNodePort: healthPort(found, source) } : found;
}

function certain(name: string, index: number, port: number, source: PortSource): number {
  const problem = source.take(port);
  if (problem !== undefined) throw invalidError({ group: "", kind: "Service" }, name, [invalid(`spec.ports[${index}].nodePort`, port, problem)]);
  return port;
}

function any(source: PortSource): number {
  const port = source.takeAny();
  if (port === undefined) throw internalStatusError("failed to allocate a nodePort: range is full");
  return port;
}

/** A new Service's ports of the same number and another protocol share their node port. */
function portsOnCreate(name: string, spec: Spec, source: PortSource): readonly ServicePort[] {
  const shared = new Map<number, number>();
  const requested = (port: number): number => spec.ports?.find((each) => each.port === port && (each.nodePort ?? 0) !== 0)?.nodePort ?? 0;
  return (spec.ports ?? []).map((each, index) => {
    const { port, nodePort = 0 } = each;
    if (nodePort === 0 && !wantsNodePorts(spec)) return each;
    const known = shared.get(port);
    if (known === undefined) {
      const named = requested(port);
      const given = named === 0 ? any(source) : certain(name, index, named, source);
      shared.set(port, given);
      return { ...each, nodePort: given };
    }
    return nodePort === 0 || nodePort === known ? { ...each, nodePort: known } : { ...each, nodePort: certain(name, index, nodePort, source) };
  });
}

function portsOnUpdate(name: string, spec: Spec, before: Spec, source: PortSource): readonly ServicePort[] {
  const own = new Set(portsOf({ apiVersion: "v1", kind: "Service", metadata: {}, spec: { ...before, healthCheckNodePort: 0 } }));
  return (spec.ports ?? []).map((each, index) => {
    const { nodePort = 0 } = each;
    if (nodePort === 0) return wantsNodePorts(spec) ? { ...each, nodePort: any(source) } : each;
    if (!own.has(nodePort)) own.add(certain(name, index, nodePort, source));
    return each;
  });
}

function healthPort({ healthCheckNodePort: wanted = 0 }: Spec, source: PortSource): number {
  if (wanted === 0) {
    const port = source.takeAny();
    if (port === undefined) throw internalStatusError("failed to allocate a HealthCheck NodePort 0: range is full");
    return port;
  }
  const problem = source.take(wanted);
  if (problem !== undefined) throw internalStatusError(`failed to allocate requested HealthCheck NodePort ${wanted}: ${problem}`);
  return wanted;
}
