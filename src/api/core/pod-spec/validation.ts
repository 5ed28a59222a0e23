import { duplicate, forbidden, invalid, notFound, required, tooLong, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, dns1123UnderscoredSubdomainErrors, labelsErrors, legacyIpErrors, rangeError } from "../../../apimachinery/validation.ts";
import type { HostAlias, PodDNSConfig, PodResourceClaim, PodSpec } from "../../generated/core-v1.ts";
import { absent, dnsLabel, dnsSubdomain, invalidEach, oneOf, qualifiedName } from "../../checks.ts";
import { goForm } from "../../go-form.ts";
import { addAll } from "../../../stdx/add-all.ts";
import { allContainers } from "./containers.ts";
import { validateContainers, validateEphemeralContainers, validateInitContainers } from "./validation-containers.ts";
import { validateOs, validateWindowsHostProcess } from "./validation-os.ts";
import { validateContainerResources, validatePodResources } from "./validation-resources.ts";
import { validateAffinity, validateSchedulingGates, validateTolerations, validateTopologySpread } from "./validation-scheduling.ts";
import { validateHostUsers, validatePodSecurityContext } from "./validation-security.ts";
import { validateVolumes } from "./validation-volumes.ts";

const nameserversMax = 3;
const searchPathsMax = 32;
const searchListBytesMax = 2048;
const hostnameBytesMax = 64;
const int32Max = 2 ** 31 - 1;
const mirrorAnnotation = "kubernetes.io/config.mirror";

export interface PodSpecOptions {
  /** The name of the pod itself; "" for a template. */
  readonly podName: string;
  /** Whether the spec is a pod's own and not a template's: some rules came too late for templates. */
  readonly isPod: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What an update replaces: what it already had wrong, it may keep. */
  readonly previous?: PodSpec;
}

function validateResourceClaims(claims: readonly PodResourceClaim[], annotations: Readonly<Record<string, string>>, path: string): readonly FieldError[] {
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, claim] of claims.entries()) {
    const at = `${path}[${index}]`;
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (mirrorAnnotation in annotations) {
      errors.push(forbidden("[]", "static pods do not support resource claims"));
      continue;
    }
    const shown = goForm(claim, "PodResourceClaim");
    if (absent(name)) errors.push(required(`${at}.name`));
    else if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    else addAll(errors, dnsLabel(`${at}.name`, name));
    names.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) errors.push(invalid(at, shown, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"));
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) errors.push(invalid(at, shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"));
    if (resourceClaimName !== undefined) addAll(errors, dnsSubdomain(`${at}.resourceClaimName`, resourceClaimName));
    if (resourceClaimTemplateName !== undefined) addAll(errors, dnsSubdomain(`${at}.resourceClaimTemplateName`, resourceClaimTemplateName));
  }
  return errors;
}

function validateDns(config: PodDNSConfig | undefined, policy: string | undefined, path: string): readonly FieldError[] {
  if (policy === "None") {
    if (!config) return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if ((config.nameservers ?? []).length === 0) return [required(`${path}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None")];
  }
  if (!config) return [];
  const { nameservers = [], searches = [], options = [] } = config;
  const errors: FieldError[] = [];
  if (nameservers.length > nameserversMax) errors.push(invalid(`${path}.nameservers`, nameservers, `must not have more than ${nameserversMax} nameservers`));
  for (const [index, address] of nameservers.entries()) addAll(errors, legacyIpErrors(`${path}.nameservers[${index}]`, address));
  if (searches.length > searchPathsMax) errors.push(invalid(`${path}.searches`, searches, `must not have more than ${searchPathsMax} search paths`));
  if (Buffer.byteLength(searches.join(" ")) > searchListBytesMax) {
    errors.push(invalid(`${path}.searches`, searches, `must not have more than ${searchListBytesMax} characters (including spaces) in the search list`));
  }
  for (const [index, search] of searches.entries()) {
    const name = search.replace(/\.$/, "");
    if (search !== ".") addAll(errors, invalidEach(`${path}.searches[${index}]`, name, dns1123UnderscoredSubdomainErrors(name)));
  }
  for (const [index, option] of options.entries()) if (absent(option.name)) errors.push(required(`${path}.options[${index}]`, "must not be empty"));
  return errors;
}

function validateHostPorts(spec: PodSpec, path: string, options: PodSpecOptions): readonly FieldError[] {
  if (spec.hostNetwork !== true) return [];
  const errors: FieldError[] = [];
  for (const [index, { ports = [] }] of (spec.containers ?? []).entries()) {
    for (const [portIndex, { hostPort = 0, containerPort = 0 }] of ports.entries()) {
      if ((options.isPod || hostPort !== 0) && hostPort !== containerPort) {
        errors.push(invalid(`${path}.containers[${index}].ports[${portIndex}].hostPort`, hostPort, "must match `containerPort` when `hostNetwork` is true"));
      }
    }
  }
  return errors;
}

function validateHostnameOverride(spec: PodSpec, path: string): readonly FieldError[] {
  const { hostnameOverride: name } = spec;
  if (name === undefined || name === null) return [];
  const at = `${path}.hostnameOverride`;
  const errors: FieldError[] = [];
  if (spec.setHostnameAsFQDN === true) errors.push(forbidden(at, "may not be specified when setHostnameAsFQDN is true"));
  if (spec.hostNetwork === true) errors.push(forbidden(at, "may not be specified when hostNetwork is true"));
  if (Buffer.byteLength(name) > hostnameBytesMax) errors.push(tooLong(at, hostnameBytesMax));
  addAll(errors, dnsSubdomain(at, name));
  return errors;
}

function validateHostAliases(aliases: readonly HostAlias[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { ip, hostnames = [] }] of aliases.entries()) {
    addAll(errors, legacyIpErrors(`${path}[${index}].ip`, ip ?? ""));
    for (const [nameIndex, hostname] of hostnames.entries()) addAll(errors, dnsSubdomain(`${path}[${index}].hostnames[${nameIndex}]`, hostname));
  }
  return errors;
}

/** Variables may come from files only of volumes that the pod itself fills. */
function validateFileKeyVolumes(spec: PodSpec, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const { container, path: at } of allContainers(spec, path)) {
    for (const [index, { valueFrom }] of (container.env ?? []).entries()) {
      const name = valueFrom?.fileKeyRef?.volumeName;
      if (name === undefined) continue;
      const field = `${at}.env[${index}].valueFrom.fileKeyRef.volumeName`;
      const volume = spec.volumes?.find((each) => each.name === name);
      if (volume === undefined) errors.push(notFound(field, name));
      else if (!volume.emptyDir) errors.push(invalid(field, name, "referenced volume must be of type emptyDir"));
    }
  }
  return errors;
}

/** All rules for what a pod is to be, wherever its spec stands; in upstream's order. */
export function validatePodSpec(spec: PodSpec, path: string, options: PodSpecOptions): readonly FieldError[] {
  const grace = spec.terminationGracePeriodSeconds;
  const problems: FieldError[] = [];
  if (grace === undefined || grace === null) problems.push(required(`${path}.terminationGracePeriodSeconds`));
  const { volumes, errors } = validateVolumes(spec.volumes ?? [], `${path}.volumes`, options);
  addAll(problems, errors);
  const claims = spec.resourceClaims ?? [];
  const claimNames = new Set(claims.map(({ name }) => name).filter((name) => !absent(name)));
  addAll(problems, validateResourceClaims(claims, options.annotations ?? {}, `${path}.resourceClaims`));
  const context = { spec, volumes, claimNames };
  addAll(problems, validateContainers(context, `${path}.containers`));
  addAll(problems, validateInitContainers(context, `${path}.initContainers`));
  addAll(problems, validateEphemeralContainers(context, `${path}.ephemeralContainers`));
  addAll(problems, validatePodResources(spec, claimNames, path));
  addAll(problems, validateHostPorts(spec, path, options));
  addAll(problems, oneOf(`${path}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]));
  addAll(problems, oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]));
  addAll(problems, labelsErrors(`${path}.nodeSelector`, spec.nodeSelector));
  addAll(problems, validatePodSecurityContext(spec, `${path}.securityContext`, options.previous?.securityContext?.seLinuxChangePolicy !== undefined));
  addAll(problems, validateAffinity(spec.affinity, `${path}.affinity`));
  addAll(problems, validateDns(spec.dnsConfig, spec.dnsPolicy, `${path}.dnsConfig`));
  for (const [index, { conditionType }] of (spec.readinessGates ?? []).entries()) addAll(problems, qualifiedName(`${path}.readinessGates[${index}].conditionType`, conditionType ?? ""));
  addAll(problems, validateSchedulingGates(spec.schedulingGates ?? [], `${path}.schedulingGates`));
  addAll(problems, validateTopologySpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`));
  addAll(problems, validateWindowsHostProcess(spec, path));
  addAll(problems, validateHostUsers(spec, path));
  addAll(problems, validateHostnameOverride(spec, path));

  for (const field of ["serviceAccountName", "nodeName"] as const) if (!absent(spec[field])) addAll(problems, dnsSubdomain(`${path}.${field}`, spec[field]));
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && deadline !== null && (deadline < 1 || deadline > int32Max)) problems.push(invalid(`${path}.activeDeadlineSeconds`, deadline, rangeError(1, int32Max)));
  for (const field of ["hostname", "subdomain"] as const) if (!absent(spec[field])) addAll(problems, dnsLabel(`${path}.${field}`, spec[field]));
  addAll(problems, validateTolerations(spec.tolerations ?? [], `${path}.tolerations`));
  addAll(problems, validateHostAliases(spec.hostAliases ?? [], `${path}.hostAliases`));
  if (!absent(spec.priorityClassName)) addAll(problems, dnsSubdomain(`${path}.priorityClassName`, spec.priorityClassName));
  if (spec.runtimeClassName !== undefined && spec.runtimeClassName !== null) addAll(problems, invalidEach(`${path}.runtimeClassName`, spec.runtimeClassName, dns1123SubdomainErrors(spec.runtimeClassName)));
  if (spec.preemptionPolicy !== undefined) addAll(problems, oneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ["PreemptLowerPriority", "Never"]));
  if (spec.overhead) addAll(problems, validateContainerResources({ limits: spec.overhead }, new Set(), `${path}.overhead`));
  addAll(problems, validateOs(spec, path));
  addAll(problems, validateFileKeyVolumes(spec, path));
  return problems;
}
