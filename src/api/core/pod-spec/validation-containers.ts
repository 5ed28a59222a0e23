import { duplicate, forbidden, invalid, notFound, notSupported, required, tooMany, type FieldError } from "../../../apimachinery/field-error.ts";
import { portNameErrors, portNumberErrors } from "../../../apimachinery/validation.ts";
import type { Container, ContainerPort, ContainerResizePolicy, EphemeralContainer, PodSpec } from "../../generated/core-v1.ts";
import { absent, dnsLabel, invalidEach, oneOf } from "../../checks.ts";
import { addAll } from "../../../stdx/add-all.ts";
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

function validatePorts(ports: readonly ContainerPort[], path: string): readonly FieldError[] {
  if (ports.length === 0) return [];
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { name, containerPort = 0, hostPort = 0, protocol }] of ports.entries()) {
    const at = `${path}[${index}]`;
    if (!absent(name)) {
      const problems = portNameErrors(name);
      if (problems.length > 0) addAll(errors, invalidEach(`${at}.name`, name, problems));
      else if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      else names.add(name);
    }
    if (containerPort === 0) errors.push(required(`${at}.containerPort`));
    else addAll(errors, invalidEach(`${at}.containerPort`, containerPort, portNumberErrors(containerPort)));
    if (hostPort !== 0) addAll(errors, invalidEach(`${at}.hostPort`, hostPort, portNumberErrors(hostPort)));
    addAll(errors, oneOf(`${at}.protocol`, protocol, protocols));
  }
  return errors;
}

/** Two containers cannot have the same port of the node. */
export function validateHostPortConflicts(containers: readonly Container[], path: string, firstIndex = 0): readonly FieldError[] {
  const taken = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { ports = [] }] of containers.entries()) {
    for (const [portIndex, { protocol = "", hostIP = "", hostPort = 0 }] of ports.entries()) {
      if (hostPort === 0) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) errors.push(duplicate(`${path}[${index + firstIndex}].ports[${portIndex}].hostPort`, key));
      taken.add(key);
    }
  }
  return errors;
}

function validateResizePolicy(policies: readonly ContainerResizePolicy[], podRestartPolicy: string | undefined, path: string): readonly FieldError[] {
  if (policies.length === 0) return [];
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { resourceName, restartPolicy }] of policies.entries()) {
    if (seen.has(resourceName ?? "")) errors.push(duplicate(`${path}[${index}]`, resourceName));
    seen.add(resourceName ?? "");
    addAll(errors, oneOf(path, resourceName, ["cpu", "memory"]));
    addAll(errors, oneOf(path, restartPolicy, ["NotRequired", "RestartContainer"]));
    if (podRestartPolicy === "Never" && restartPolicy !== "NotRequired") errors.push(invalid(path, restartPolicy ?? "", "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
  }
  return errors;
}

function validateRestartRules({ restartPolicy, restartPolicyRules: rules = [] }: Container, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (restartPolicy === undefined) {
    if (rules.length === 0) return errors;
    errors.push(required(`${path}.restartPolicy`, "must specify restartPolicy when restart rules are used"));
  } else if (!restartPolicies.includes(restartPolicy)) {
    errors.push(notSupported(`${path}.restartPolicy`, restartPolicy, restartPolicies));
  }
  if (rules.length > restartRulesMax) errors.push(tooMany(`${path}.restartPolicyRules`, rules.length, restartRulesMax));
  for (const [index, { action, exitCodes }] of rules.entries()) {
    const at = `${path}.restartPolicyRules[${index}]`;
    if (action !== "Restart" && action !== "RestartAllContainers") errors.push(notSupported(`${at}.action`, action ?? "", ["Restart", "RestartAllContainers"]));
    if (!exitCodes) {
      errors.push(required(`${at}.exitCodes`, "must be specified"));
      continue;
    }
    if (exitCodes.operator !== "In" && exitCodes.operator !== "NotIn") errors.push(notSupported(`${at}.exitCodes.operator`, exitCodes.operator ?? "", ["In", "NotIn"]));
    if ((exitCodes.values ?? []).length > exitCodesMax) errors.push(tooMany(`${at}.exitCodes.values`, exitCodes.values?.length ?? 0, exitCodesMax));
  }
  return errors;
}

/** What every container is checked for, whatever its role. */
function validateCommon(container: Container | EphemeralContainer, { spec, volumes, claimNames }: ContainerContext, path: string): readonly FieldError[] {
  const { volumeMounts = [], volumeDevices = [] } = container;
  const errors: FieldError[] = [];
  if (absent(container.name)) errors.push(required(`${path}.name`));
  else addAll(errors, dnsLabel(`${path}.name`, container.name));
  if (absent(container.image)) errors.push(required(`${path}.image`));
  addAll(errors, oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, ["File", "FallbackToLogsOnError"]));
  addAll(errors, validatePorts(container.ports ?? [], `${path}.ports`));
  addAll(errors, validateEnv(container.env ?? [], `${path}.env`));
  addAll(errors, validateEnvFrom(container.envFrom ?? [], `${path}.envFrom`));
  addAll(errors, validateMounts(volumeMounts, volumeDevices, volumes, container, `${path}.volumeMounts`));
  addAll(errors, validateDevices(volumeDevices, volumeMounts, volumes, `${path}.volumeDevices`));
  addAll(errors, validatePullPolicy(container.imagePullPolicy, `${path}.imagePullPolicy`));
  addAll(errors, validateContainerResources(container.resources, claimNames, `${path}.resources`));
  addAll(errors, validateResizePolicy(container.resizePolicy ?? [], spec.restartPolicy, `${path}.resizePolicy`));
  addAll(errors, validateSecurityContext(container.securityContext, `${path}.securityContext`, spec.hostUsers !== false));
  return errors;
}

export function validateContainers(context: ContainerContext, path: string): readonly FieldError[] {
  const { spec } = context;
  const containers = spec.containers ?? [];
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, container] of containers.entries()) {
    const at = `${path}[${index}]`;
    addAll(errors, validateCommon(container, context, at));
    if (names.has(container.name ?? "")) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name ?? "");
    if (container.lifecycle) addAll(errors, validateLifecycle(container.lifecycle, spec.terminationGracePeriodSeconds, spec.os, `${at}.lifecycle`));
    addAll(errors, validateProbes(container, spec.terminationGracePeriodSeconds, at));
    addAll(errors, validateRestartRules(container, at));
  }
  addAll(errors, validateHostPortConflicts(containers, path));
  return errors;
}

export function validateInitContainers(context: ContainerContext, path: string): readonly FieldError[] {
  const { spec } = context;
  if ((spec.initContainers ?? []).length === 0) return [];
  const names = new Set((spec.containers ?? []).map(({ name = "" }) => name));
  const errors: FieldError[] = [];
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    addAll(errors, validateCommon(container, context, at));
    if (container.restartPolicy === undefined && (container.restartPolicyRules ?? []).length > 0) errors.push(required(`${at}.restartPolicy`, "must specify restartPolicy when restart rules are used"));
    else addAll(errors, validateRestartRules(container, at));
    if (names.has(container.name ?? "")) errors.push(duplicate(`${at}.name`, container.name));
    else if (!absent(container.name)) names.add(container.name);
    addAll(errors, validateHostPortConflicts([container], path));
    if (isSidecar(container)) {
      if (container.lifecycle) addAll(errors, validateLifecycle(container.lifecycle, spec.terminationGracePeriodSeconds, spec.os, `${at}.lifecycle`));
      addAll(errors, validateProbes(container, spec.terminationGracePeriodSeconds, at));
      continue;
    }
    for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
      if (container[field]) errors.push(forbidden(`${at}.${field}`, "may not be set for init containers without restartPolicy=Always"));
    }
    for (const [policyIndex, { restartPolicy }] of (container.resizePolicy ?? []).entries()) {
      if (restartPolicy === "RestartContainer") {
        errors.push(invalid(`${at}.resizePolicy[${policyIndex}].restartPolicy`, restartPolicy, "must not be set to 'RestartContainer' for non-sidecar initContainers"));
      }
    }
  }
  return errors;
}

/** What a container that is added to a running pod may not say of itself; an empty list counts as said. */
const notForEphemeral = ["ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] as const;

export function validateEphemeralContainers(context: ContainerContext, path: string): readonly FieldError[] {
  const { spec } = context;
  if ((spec.ephemeralContainers ?? []).length === 0) return [];
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name = "" }) => name));
  const names = new Set(others);
  const errors: FieldError[] = [];
  for (const [index, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    addAll(errors, validateCommon(container, context, at));
    addAll(errors, validateImageSpace(container, at));
    if (names.has(container.name ?? "")) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name ?? "");
    if (!absent(container.targetContainerName) && !others.has(container.targetContainerName)) errors.push(notFound(`${at}.targetContainerName`, container.targetContainerName));
    for (const field of notForEphemeral) {
      const value = container[field];
      if (value === undefined || value === null || (field === "resources" && Object.keys(value).length === 0)) continue;
      errors.push(forbidden(`${at}.${field}`, "cannot be set for an Ephemeral Container"));
    }
    for (const [mountIndex, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ["subPath", "subPathExpr"] as const) {
        if (!absent(mount[field])) errors.push(forbidden(`${at}.volumeMounts[${mountIndex}].${field}`, "cannot be set for an Ephemeral Container"));
      }
    }
  }
  return errors;
}

/** In pods, not in templates: those were once stored with spaces, and must stay updatable. */
export function validateImageSpace({ image = "" }: { readonly image?: string }, path: string): readonly FieldError[] {
  return image.trim() !== image ? [invalid(`${path}.image`, image, "must not have leading or trailing whitespace")] : [];
}
