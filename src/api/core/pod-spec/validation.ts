import { duplicate, forbidden, invalid, notFound, required, tooLong, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, dns1123UnderscoredSubdomainErrors, labelsErrors, legacyIpErrors, rangeError } from "../../../apimachinery/validation.ts";
import type { HostAlias, PodDNSConfig, PodResourceClaim, PodSpec } from "../../generated/core-v1.ts";
import { absent, dnsLabel, dnsSubdomain, invalidEach, oneOf, qualifiedName } from "../../checks.ts";
import { goForm, podResourceClaimFields } from "../../go-form.ts";
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

function* validateResourceClaims(claims: readonly PodResourceClaim[], annotations: Readonly<Record<string, string>>, path: string): Generator<FieldError> {
  const names = new Set<string>();
  for (const [index, claim] of claims.entries()) {
    const at = `${path}[${index}]`;
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (mirrorAnnotation in annotations) {
      yield forbidden("[]", "static pods do not support resource claims");
      continue;
    }
    const shown = goForm(claim, podResourceClaimFields);
    if (absent(name)) yield required(`${at}.name`);
    else if (names.has(name)) yield duplicate(`${at}.name`, name);
    else yield* dnsLabel(`${at}.name`, name);
    names.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) yield invalid(at, shown, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) yield invalid(at, shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    if (resourceClaimName !== undefined) yield* dnsSubdomain(`${at}.resourceClaimName`, resourceClaimName);
    if (resourceClaimTemplateName !== undefined) yield* dnsSubdomain(`${at}.resourceClaimTemplateName`, resourceClaimTemplateName);
  }
}

function* validateDns(config: PodDNSConfig | undefined, policy: string | undefined, path: string): Generator<FieldError> {
  if (policy === "None") {
    if (!config) return yield required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
    if ((config.nameservers ?? []).length === 0) return yield required(`${path}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None");
  }
  if (!config) return;
  const { nameservers = [], searches = [], options = [] } = config;
  if (nameservers.length > nameserversMax) yield invalid(`${path}.nameservers`, nameservers, `must not have more than ${nameserversMax} nameservers`);
  for (const [index, address] of nameservers.entries()) yield* legacyIpErrors(`${path}.nameservers[${index}]`, address);
  if (searches.length > searchPathsMax) yield invalid(`${path}.searches`, searches, `must not have more than ${searchPathsMax} search paths`);
  if (Buffer.byteLength(searches.join(" ")) > searchListBytesMax) {
    yield invalid(`${path}.searches`, searches, `must not have more than ${searchListBytesMax} characters (including spaces) in the search list`);
  }
  for (const [index, search] of searches.entries()) {
    const name = search.replace(/\.$/, "");
    if (search !== ".") yield* invalidEach(`${path}.searches[${index}]`, name, dns1123UnderscoredSubdomainErrors(name));
  }
  for (const [index, option] of options.entries()) if (absent(option.name)) yield required(`${path}.options[${index}]`, "must not be empty");
}

function* validateHostPorts(spec: PodSpec, path: string, options: PodSpecOptions): Generator<FieldError> {
  if (spec.hostNetwork !== true) return;
  for (const [index, { ports = [] }] of (spec.containers ?? []).entries()) {
    for (const [portIndex, { hostPort = 0, containerPort = 0 }] of ports.entries()) {
      if ((options.isPod || hostPort !== 0) && hostPort !== containerPort) {
        yield invalid(`${path}.containers[${index}].ports[${portIndex}].hostPort`, hostPort, "must match `containerPort` when `hostNetwork` is true");
      }
    }
  }
}

function* validateHostnameOverride(spec: PodSpec, path: string): Generator<FieldError> {
  const { hostnameOverride: name } = spec;
  if (name === undefined || name === null) return;
  const at = `${path}.hostnameOverride`;
  if (spec.setHostnameAsFQDN === true) yield forbidden(at, "may not be specified when setHostnameAsFQDN is true");
  if (spec.hostNetwork === true) yield forbidden(at, "may not be specified when hostNetwork is true");
  if (Buffer.byteLength(name) > hostnameBytesMax) yield tooLong(at, hostnameBytesMax);
  yield* dnsSubdomain(at, name);
}

function* validateHostAliases(aliases: readonly HostAlias[], path: string): Generator<FieldError> {
  for (const [index, { ip, hostnames = [] }] of aliases.entries()) {
    yield* legacyIpErrors(`${path}[${index}].ip`, ip ?? "");
    for (const [nameIndex, hostname] of hostnames.entries()) yield* dnsSubdomain(`${path}[${index}].hostnames[${nameIndex}]`, hostname);
  }
}

/** Variables may come from files only of volumes that the pod itself fills. */
function* validateFileKeyVolumes(spec: PodSpec, path: string): Generator<FieldError> {
  for (const { container, path: at } of allContainers(spec, path)) {
    for (const [index, { valueFrom }] of (container.env ?? []).entries()) {
      const name = valueFrom?.fileKeyRef?.volumeName;
      if (name === undefined) continue;
      const field = `${at}.env[${index}].valueFrom.fileKeyRef.volumeName`;
      const volume = spec.volumes?.find((each) => each.name === name);
      if (volume === undefined) yield notFound(field, name);
      else if (!volume.emptyDir) yield invalid(field, name, "referenced volume must be of type emptyDir");
    }
  }
}

/** All rules for what a pod is to be, wherever its spec stands; in upstream's order. */
export function* validatePodSpec(spec: PodSpec, path: string, options: PodSpecOptions): Generator<FieldError> {
  const grace = spec.terminationGracePeriodSeconds;
  if (grace === undefined || grace === null) yield required(`${path}.terminationGracePeriodSeconds`);
  const { volumes, errors } = validateVolumes(spec.volumes ?? [], `${path}.volumes`, options);
  yield* errors;
  const claims = spec.resourceClaims ?? [];
  const claimNames = new Set(claims.map(({ name }) => name).filter((name) => !absent(name)));
  yield* validateResourceClaims(claims, options.annotations ?? {}, `${path}.resourceClaims`);
  const context = { spec, volumes, claimNames };
  yield* validateContainers(context, `${path}.containers`);
  yield* validateInitContainers(context, `${path}.initContainers`);
  yield* validateEphemeralContainers(context, `${path}.ephemeralContainers`);
  yield* validatePodResources(spec, claimNames, path);
  yield* validateHostPorts(spec, path, options);
  yield* oneOf(`${path}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]);
  yield* oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]);
  yield* labelsErrors(`${path}.nodeSelector`, spec.nodeSelector);
  yield* validatePodSecurityContext(spec, `${path}.securityContext`, options.previous?.securityContext?.seLinuxChangePolicy !== undefined);
  yield* validateAffinity(spec.affinity, `${path}.affinity`);
  yield* validateDns(spec.dnsConfig, spec.dnsPolicy, `${path}.dnsConfig`);
  for (const [index, { conditionType }] of (spec.readinessGates ?? []).entries()) yield* qualifiedName(`${path}.readinessGates[${index}].conditionType`, conditionType ?? "");
  yield* validateSchedulingGates(spec.schedulingGates ?? [], `${path}.schedulingGates`);
  yield* validateTopologySpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`);
  yield* validateWindowsHostProcess(spec, path);
  yield* validateHostUsers(spec, path);
  yield* validateHostnameOverride(spec, path);

  for (const field of ["serviceAccountName", "nodeName"] as const) if (!absent(spec[field])) yield* dnsSubdomain(`${path}.${field}`, spec[field]);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && deadline !== null && (deadline < 1 || deadline > int32Max)) yield invalid(`${path}.activeDeadlineSeconds`, deadline, rangeError(1, int32Max));
  for (const field of ["hostname", "subdomain"] as const) if (!absent(spec[field])) yield* dnsLabel(`${path}.${field}`, spec[field]);
  yield* validateTolerations(spec.tolerations ?? [], `${path}.tolerations`);
  yield* validateHostAliases(spec.hostAliases ?? [], `${path}.hostAliases`);
  if (!absent(spec.priorityClassName)) yield* dnsSubdomain(`${path}.priorityClassName`, spec.priorityClassName);
  if (spec.runtimeClassName !== undefined && spec.runtimeClassName !== null) yield* invalidEach(`${path}.runtimeClassName`, spec.runtimeClassName, dns1123SubdomainErrors(spec.runtimeClassName));
  if (spec.preemptionPolicy !== undefined) yield* oneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ["PreemptLowerPriority", "Never"]);
  if (spec.overhead) yield* validateContainerResources({ limits: spec.overhead }, new Set(), `${path}.overhead`);
  yield* validateOs(spec, path);
  yield* validateFileKeyVolumes(spec, path);
}
