import { forbidden, invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { httpHeaderNameErrors, portNameErrors, portNumberErrors } from "../../../apimachinery/validation.ts";
import type { HTTPGetAction, Lifecycle, LifecycleHandler, PodOS, Probe } from "../../generated/core-v1.ts";
import type { IntOrString } from "../../generated/meta-v1.ts";
import { absent, atLeastZero, invalidEach } from "../../checks.ts";
import { stopSignals } from "./stop-signals.ts";

type Handler = LifecycleHandler & Pick<Probe, "grpc">;

export const validatePortOrName = (port: IntOrString | undefined, path: string): FieldError[] =>
  invalidEach(path, port ?? 0, typeof port === "string" ? portNameErrors(port) : portNumberErrors(port ?? 0));

function* validateHttpGet({ path: location, port, scheme, httpHeaders = [] }: HTTPGetAction, path: string): Generator<FieldError> {
  if (absent(location)) yield required(`${path}.path`);
  yield* validatePortOrName(port, `${path}.port`);
  if (scheme !== "HTTP" && scheme !== "HTTPS") yield notSupported(`${path}.scheme`, scheme ?? "", ["HTTP", "HTTPS"]);
  for (const { name } of httpHeaders) yield* invalidEach(`${path}.httpHeaders`, name, httpHeaderNameErrors(name));
}

/** Exactly one way of asking or acting; `graceSeconds` is the pod's, which a sleep may not outlast. */
function* validateHandler(handler: Handler, graceSeconds: number | undefined, path: string): Generator<FieldError> {
  const given = (["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const).filter((kind) => handler[kind] !== undefined && handler[kind] !== null);
  if (given.length === 0) return yield required(path, "must specify a handler type");

  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  switch (given[0]) {
    case "exec":
      if ((exec?.command ?? []).length === 0) yield required(`${path}.exec.command`);
      break;
    case "httpGet":
      if (httpGet) yield* validateHttpGet(httpGet, `${path}.httpGet`);
      break;
    case "tcpSocket":
      yield* validatePortOrName(tcpSocket?.port, `${path}.tcpSocket.port`);
      break;
    case "grpc":
      yield* validatePortOrName(grpc?.port, `${path}.grpc.port`);
      break;
    default:
      if (sleep && graceSeconds !== undefined && (sleep.seconds < 0 || sleep.seconds > graceSeconds)) {
        yield invalid(`${path}.sleep`, sleep.seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`);
      }
  }
  for (const extra of given.slice(1)) yield forbidden(`${path}.${extra}`, "may not specify more than 1 handler type");
}

function* validateProbe(probe: Probe, graceSeconds: number | undefined, path: string): Generator<FieldError> {
  yield* validateHandler({ ...(probe.exec && { exec: probe.exec }), ...(probe.httpGet && { httpGet: probe.httpGet }), ...(probe.tcpSocket && { tcpSocket: probe.tcpSocket }), ...(probe.grpc && { grpc: probe.grpc }) }, graceSeconds, path);
  for (const field of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] as const) yield* atLeastZero(`${path}.${field}`, probe[field]);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace !== null && grace <= 0) yield invalid(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than 0");
}

interface Probed { readonly livenessProbe?: Probe; readonly readinessProbe?: Probe; readonly startupProbe?: Probe }

export function* validateProbes({ livenessProbe, readinessProbe, startupProbe }: Probed, graceSeconds: number | undefined, path: string): Generator<FieldError> {
  if (livenessProbe) {
    yield* validateProbe(livenessProbe, graceSeconds, `${path}.livenessProbe`);
    if (livenessProbe.successThreshold !== 1) yield invalid(`${path}.livenessProbe.successThreshold`, livenessProbe.successThreshold ?? 0, "must be 1");
  }
  if (readinessProbe) {
    yield* validateProbe(readinessProbe, graceSeconds, `${path}.readinessProbe`);
    const grace = readinessProbe.terminationGracePeriodSeconds;
    if (grace !== undefined && grace !== null) yield invalid(`${path}.readinessProbe.terminationGracePeriodSeconds`, grace, "must not be set for readinessProbes");
  }
  if (startupProbe) {
    yield* validateProbe(startupProbe, graceSeconds, `${path}.startupProbe`);
    if (startupProbe.successThreshold !== 1) yield invalid(`${path}.startupProbe.successThreshold`, startupProbe.successThreshold ?? 0, "must be 1");
  }
}

export function* validateLifecycle({ postStart, preStop, stopSignal }: Lifecycle, graceSeconds: number | undefined, os: PodOS | undefined, path: string): Generator<FieldError> {
  if (postStart) yield* validateHandler(postStart, graceSeconds, `${path}.postStart`);
  if (preStop) yield* validateHandler(preStop, graceSeconds, `${path}.preStop`);
  if (absent(stopSignal)) return;
  if (!os) yield forbidden(`${path}.stopSignal`, "may not be set for containers with empty `spec.os.name`");
  else if (os.name === "windows" || os.name === "linux") {
    const supported = stopSignals[os.name];
    if (!supported.includes(stopSignal)) yield notSupported(`${path}.stopSignal`, stopSignal, supported);
  }
}
