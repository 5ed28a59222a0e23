import { duplicate, forbidden, invalid, notFound, notSupported, required, tooMany, type FieldError } from "../../../apimachinery/field-error.ts";
import { portNameErrors, portNumberErrors } from "../../../apimachinery/validation.ts";
import type { Container, ContainerPort, ContainerResizePolicy, EphemeralContainer, PodSpec } from "../../generated/core-v1.ts";
import { absent, dnsLabel, invalidEach, oneOf } from "../../checks.ts";
import { isSidecar } from "./containers.ts";
import { validateEnv, validateEnvFrom } from "./validation-env.ts";
import { validateLifecycle, validateProbes } from "./validation-handlers.ts";
import { validateDevices, validateMounts, type Volumes } from "./validation-mounts.ts";
import { validateContainerResources } from "./validation-resources.ts";
import { validateSecurityContext } from "./validation-security.ts";
import { validatePullPolicy } from "./validation-volumes.ts";

export const protocols: readonly string[] = ["SCTP", "TCP", "UDP"];
const restartPolicies: readonly string[] = ["Always", "Never", "OnFailure"];
const restartRulesMax = 20;
const exitCodesMax = 255;

/** What the checks of one container need to know of its pod. */
export interface ContainerContext {
  readonly spec: PodSpec;
  readonly volumes: Volumes;
  readonly claimNames: ReadonlySet<string>;
}

function* validatePorts(ports: readonly ContainerPort[], path: string): Generator<FieldError> {
  const names = new Set<string>();
  for (const [index, { name, containerPort = 0, hostPort = 0, protocol }] of ports.entries()) {
    const at = `${path}[${index}]`;
    if (!absent(name)) {
      const problems = portNameErrors(name);
      if (problems.length > 0) yield* invalidEach(`${at}.name`, name, problems);
      else if (names.has(name)) yield duplicate(`${at}.name`, name);
      else names.add(name);
    }
    if (containerPort === 0) yield required(`${at}.containerPort`);
    else yield* invalidEach(`${at}.containerPort`, containerPort, portNumberErrors(containerPort));
    if (hostPort !== 0) yield* invalidEach(`${at}.hostPort`, hostPort, portNumberErrors(hostPort));
    yield* oneOf(`${at}.protocol`, protocol, protocols);
  }
}

/** Two containers cannot have the same port of the node. */
export function* validateHostPortConflicts(containers: readonly Container[], path: string, firstIndex = 0): Generator<FieldError> {
  const taken = new Set<string>();
  for (const [index, { ports = [] }] of containers.entries()) {
    for (const [portIndex, { protocol = "", hostIP = "", hostPort = 0 }] of ports.entries()) {
      if (hostPort === 0) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) yield duplicate(`${path}[${index + firstIndex}].ports[${portIndex}].hostPort`, key);
      taken.add(key);
    }
  }
}

function* validateResizePolicy(policies: readonly ContainerResizePolicy[], podRestartPolicy: string | undefined, path: string): Generator<FieldError> {
  const seen = new Set<string>();
  for (const [index, { resourceName, restartPolicy }] of policies.entries()) {
    if (seen.has(resourceName ?? "")) yield duplicate(`${path}[${index}]`, resourceName);
    seen.add(resourceName ?? "");
    yield* oneOf(path, resourceName, ["cpu", "memory"]);
    yield* oneOf(path, restartPolicy, ["NotRequired", "RestartContainer"]);
    if (podRestartPolicy === "Never" && restartPolicy !== "NotRequired") yield invalid(path, restartPolicy ?? "", "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
  }
}

function* validateRestartRules({ restartPolicy, restartPolicyRules: rules = [] }: Container, path: string): Generator<FieldError> {
  if (restartPolicy === undefined) {
    if (rules.length === 0) return;
    yield required(`${path}.restartPolicy`, "must specify restartPolicy when restart rules are used");
  } else if (!restartPolicies.includes(restartPolicy)) {
    yield notSupported(`${path}.restartPolicy`, restartPolicy, restartPolicies);
  }
  if (rules.length > restartRulesMax) yield tooMany(`${path}.restartPolicyRules`, rules.length, restartRulesMax);
  for (const [index, { action, exitCodes }] of rules.entries()) {
    const at = `${path}.restartPolicyRules[${index}]`;
    if (action !== "Restart" && action !== "RestartAllContainers") yield notSupported(`${at}.action`, action ?? "", ["Restart", "RestartAllContainers"]);
    if (!exitCodes) {
      yield required(`${at}.exitCodes`, "must be specified");
      continue;
    }
    if (exitCodes.operator !== "In" && exitCodes.operator !== "NotIn") yield notSupported(`${at}.exitCodes.operator`, exitCodes.operator ?? "", ["In", "NotIn"]);
    if ((exitCodes.values ?? []).length > exitCodesMax) yield tooMany(`${at}.exitCodes.values`, exitCodes.values?.length ?? 0, exitCodesMax);
  }
}

/** What every container is checked for, whatever its role. */
function* validateCommon(container: Container | EphemeralContainer, { spec, volumes, claimNames }: ContainerContext, path: string): Generator<FieldError> {
  const { volumeMounts = [], volumeDevices = [] } = container;
  if (absent(container.name)) yield required(`${path}.name`);
  else yield* dnsLabel(`${path}.name`, container.name);
  if (absent(container.image)) yield required(`${path}.image`);
  yield* oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, ["File", "FallbackToLogsOnError"]);
  yield* validatePorts(container.ports ?? [], `${path}.ports`);
  yield* validateEnv(container.env ?? [], `${path}.env`);
  yield* validateEnvFrom(container.envFrom ?? [], `${path}.envFrom`);
  yield* validateMounts(volumeMounts, volumeDevices, volumes, container, `${path}.volumeMounts`);
  yield* validateDevices(volumeDevices, volumeMounts, volumes, `${path}.volumeDevices`);
  yield* validatePullPolicy(container.imagePullPolicy, `${path}.imagePullPolicy`);
  yield* validateContainerResources(container.resources, claimNames, `${path}.resources`);
  yield* validateResizePolicy(container.resizePolicy ?? [], spec.restartPolicy, `${path}.resizePolicy`);
  yield* validateSecurityContext(container.securityContext, `${path}.securityContext`, spec.hostUsers !== false);
}

export function* validateContainers(context: ContainerContext, path: string): Generator<FieldError> {
  const { spec } = context;
  const containers = spec.containers ?? [];
  if (containers.length === 0) return yield required(path);
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = `${path}[${index}]`;
    yield* validateCommon(container, context, at);
    if (names.has(container.name ?? "")) yield duplicate(`${at}.name`, container.name);
    names.add(container.name ?? "");
    if (container.lifecycle) yield* validateLifecycle(container.lifecycle, spec.terminationGracePeriodSeconds, spec.os, `${at}.lifecycle`);
    yield* validateProbes(container, spec.terminationGracePeriodSeconds, at);
    yield* validateRestartRules(container, at);
  }
  yield* validateHostPortConflicts(containers, path);
}

export function* validateInitContainers(context: ContainerContext, path: string): Generator<FieldError> {
  const { spec } = context;
  const names = new Set((spec.containers ?? []).map(({ name = "" }) => name));
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    yield* validateCommon(container, context, at);
    if (container.restartPolicy === undefined && (container.restartPolicyRules ?? []).length > 0) yield required(`${at}.restartPolicy`, "must specify restartPolicy when restart rules are used");
    else yield* validateRestartRules(container, at);
    if (names.has(container.name ?? "")) yield duplicate(`${at}.name`, container.name);
    else if (!absent(container.name)) names.add(container.name);
    yield* validateHostPortConflicts([container], path);
    if (isSidecar(container)) {
      if (container.lifecycle) yield* validateLifecycle(container.lifecycle, spec.terminationGracePeriodSeconds, spec.os, `${at}.lifecycle`);
      yield* validateProbes(container, spec.terminationGracePeriodSeconds, at);
      continue;
    }
    for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
      if (container[field]) yield forbidden(`${at}.${field}`, "may not be set for init containers without restartPolicy=Always");
    }
    for (const [policyIndex, { restartPolicy }] of (container.resizePolicy ?? []).entries()) {
      if (restartPolicy === "RestartContainer") {
        yield invalid(`${at}.resizePolicy[${policyIndex}].restartPolicy`, restartPolicy, "must not be set to 'RestartContainer' for non-sidecar initContainers");
      }
    }
  }
}

/** What a container that is added to a running pod may not say of itself; an empty list counts as said. */
const notForEphemeral = ["ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] as const;

export function* validateEphemeralContainers(context: ContainerContext, path: string): Generator<FieldError> {
  const { spec } = context;
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name = "" }) => name));
  const names = new Set(others);
  for (const [index, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    yield* validateCommon(container, context, at);
    yield* validateImageSpace(container, at);
    if (names.has(container.name ?? "")) yield duplicate(`${at}.name`, container.name);
    names.add(container.name ?? "");
    if (!absent(container.targetContainerName) && !others.has(container.targetContainerName)) yield notFound(`${at}.targetContainerName`, container.targetContainerName);
    for (const field of notForEphemeral) {
      const value = container[field];
      if (value === undefined || value === null || (field === "resources" && Object.keys(value).length === 0)) continue;
      yield forbidden(`${at}.${field}`, "cannot be set for an Ephemeral Container");
    }
    for (const [mountIndex, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ["subPath", "subPathExpr"] as const) {
        if (!absent(mount[field])) yield forbidden(`${at}.volumeMounts[${mountIndex}].${field}`, "cannot be set for an Ephemeral Container");
      }
    }
  }
}

/** In pods, not in templates: those were once stored with spaces, and must stay updatable. */
export function* validateImageSpace({ image = "" }: { readonly image?: string }, path: string): Generator<FieldError> {
  if (image.trim() !== image) yield invalid(`${path}.image`, image, "must not have leading or trailing whitespace");
}
