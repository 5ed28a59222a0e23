import { forbidden, invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { httpHeaderNameErrors, portNameErrors, portNumberErrors } from "../../../apimachinery/validation.ts";
import type { HTTPGetAction, Lifecycle, LifecycleHandler, PodOS, Probe } from "../../generated/core-v1.ts";
import type { IntOrString } from "../../generated/meta-v1.ts";
import { absent, atLeastZero, invalidEach } from "../../checks.ts";
import { addAll } from "../../../stdx/add-all.ts";
import { stopSignals } from "./stop-signals.ts";

type Handler = LifecycleHandler & Pick<Probe, "grpc">;

export const validatePortOrName = (port: IntOrString | undefined, path: string): FieldError[] =>
  invalidEach(path, port ?? 0, typeof port === "string" ? portNameErrors(port) : portNumberErrors(port ?? 0));

function validateHttpGet({ path: location, port, scheme, httpHeaders = [] }: HTTPGetAction, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(location)) errors.push(required(`${path}.path`));
  addAll(errors, validatePortOrName(port, `${path}.port`));
  if (scheme !== "HTTP" && scheme !== "HTTPS") errors.push(notSupported(`${path}.scheme`, scheme ?? "", ["HTTP", "HTTPS"]));
  for (const { name } of httpHeaders) addAll(errors, invalidEach(`${path}.httpHeaders`, name, httpHeaderNameErrors(name)));
  return errors;
}

/** Exactly one way of asking or acting; `graceSeconds` is the pod's, which a sleep may not outlast. */
function validateHandler(handler: Handler, graceSeconds: number | undefined, path: string): readonly FieldError[] {
  const given = (["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const).filter((kind) => handler[kind] !== undefined && handler[kind] !== null);
  if (given.length === 0) return [required(path, "must specify a handler type")];

  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const errors: FieldError[] = [];
  switch (given[0]) {
    case "exec":
      if ((exec?.command ?? []).length === 0) errors.push(required(`${path}.exec.command`));
      break;
    case "httpGet":
      if (httpGet) addAll(errors, validateHttpGet(httpGet, `${path}.httpGet`));
      break;
    case "tcpSocket":
      addAll(errors, validatePortOrName(tcpSocket?.port, `${path}.tcpSocket.port`));
      break;
    case "grpc":
      addAll(errors, validatePortOrName(grpc?.port, `${path}.grpc.port`));
      break;
    default:
      if (sleep && graceSeconds !== undefined && (sleep.seconds < 0 || sleep.seconds > graceSeconds)) {
        errors.push(invalid(`${path}.sleep`, sleep.seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`));
      }
  }
  for (const extra of given.slice(1)) errors.push(forbidden(`${path}.${extra}`, "may not specify more than 1 handler type"));
  return errors;
}

function validateProbe(probe: Probe, graceSeconds: number | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateHandler({ ...(probe.exec && { exec: probe.exec }), ...(probe.httpGet && { httpGet: probe.httpGet }), ...(probe.tcpSocket && { tcpSocket: probe.tcpSocket }), ...(probe.grpc && { grpc: probe.grpc }) }, graceSeconds, path));
  for (const field of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] as const) addAll(errors, atLeastZero(`${path}.${field}`, probe[field]));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace !== null && grace <= 0) errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than 0"));
  return errors;
}

interface Probed { readonly livenessProbe?: Probe; readonly readinessProbe?: Probe; readonly startupProbe?: Probe }

export function validateProbes({ livenessProbe, readinessProbe, startupProbe }: Probed, graceSeconds: number | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (livenessProbe) {
    addAll(errors, validateProbe(livenessProbe, graceSeconds, `${path}.livenessProbe`));
    if (livenessProbe.successThreshold !== 1) errors.push(invalid(`${path}.livenessProbe.successThreshold`, livenessProbe.successThreshold ?? 0, "must be 1"));
  }
  if (readinessProbe) {
    addAll(errors, validateProbe(readinessProbe, graceSeconds, `${path}.readinessProbe`));
    const grace = readinessProbe.terminationGracePeriodSeconds;
    if (grace !== undefined && grace !== null) errors.push(invalid(`${path}.readinessProbe.terminationGracePeriodSeconds`, grace, "must not be set for readinessProbes"));
  }
  if (startupProbe) {
    addAll(errors, validateProbe(startupProbe, graceSeconds, `${path}.startupProbe`));
    if (startupProbe.successThreshold !== 1) errors.push(invalid(`${path}.startupProbe.successThreshold`, startupProbe.successThreshold ?? 0, "must be 1"));
  }
  return errors;
}

export function validateLifecycle({ postStart, preStop, stopSignal }: Lifecycle, graceSeconds: number | undefined, os: PodOS | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (postStart) addAll(errors, validateHandler(postStart, graceSeconds, `${path}.postStart`));
  if (preStop) addAll(errors, validateHandler(preStop, graceSeconds, `${path}.preStop`));
  if (absent(stopSignal)) return errors;
  if (!os) errors.push(forbidden(`${path}.stopSignal`, "may not be set for containers with empty `spec.os.name`"));
  else if (os.name === "windows" || os.name === "linux") {
    const supported = stopSignals[os.name];
    if (!supported.includes(stopSignal)) errors.push(notSupported(`${path}.stopSignal`, stopSignal, supported));
  }
  return errors;
}
