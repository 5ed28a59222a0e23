import { duplicate, forbidden, invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { legacyIpErrors } from "../../apimachinery/validation.ts";
import { parseIpSloppy } from "../../stdx/ip.ts";
import type { Container, ContainerStatus, Pod, PodCondition, PodSpec, PodStatus } from "../generated/core-v1.ts";
import { dnsSubdomain, immutable, qualifiedName } from "../checks.ts";
import { withField, without } from "../defaulting.ts";
import { keepSpec } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validateAnnotationUpdate } from "./pod-update.ts";
import { validateExtendedResourceClaim, validateStatusOfContainers } from "./pod-status-containers.ts";

/** A condition that does not say which generation it is about keeps what it said before. */
function withKeptGenerations(next: readonly PodCondition[], previous: readonly PodCondition[]): readonly PodCondition[] {
  const before = new Map<string, number[]>();
  for (const { type, observedGeneration = 0 } of previous) before.set(type, [...(before.get(type) ?? []), observedGeneration]);
  return next.map((condition) => {
    const generation = before.get(condition.type)?.shift() ?? 0;
    return (condition.observedGeneration ?? 0) === 0 && generation !== 0 ? { ...condition, observedGeneration: generation } : condition;
  });
}

/** The first address and the list of addresses say the same; who writes one writes both. */
export function withBothAddresses(status: PodStatus): PodStatus {
  const { podIP, podIPs } = status;
  if (podIP !== undefined && podIP !== "" && podIPs?.[0]?.ip !== podIP) return { ...status, podIPs: [{ ip: podIP }] };
  if ((podIP === undefined || podIP === "") && podIPs?.[0] !== undefined) return { ...status, podIP: podIPs[0].ip };
  return status;
}

/** Status is the kubelet's to write, but for what was decided at creation. */
export function preparePodStatus(next: Pod, previous: Pod): Pod {
  const kept = keepSpec(next, previous);
  const metadata = withField(without(kept.metadata, "deletionTimestamp"), "ownerReferences", previous.metadata.ownerReferences);
  let status: PodStatus = kept.status ?? {};
  if ((status.qosClass ?? "") === "") status = withField(status, "qosClass", previous.status?.qosClass);
  if ((status.observedGeneration ?? 0) === 0) status = withField(status, "observedGeneration", previous.status?.observedGeneration);
  if (status.conditions) status = { ...status, conditions: withKeptGenerations(status.conditions, previous.status?.conditions ?? []) };
  return { ...kept, metadata: withField(metadata, "deletionTimestamp", previous.metadata.deletionTimestamp), status };
}

/** Whether a container may run again after it ended with this code, by its own rules or those of its pod. */
function mayRestart(container: Container, spec: PodSpec, exitCode: number): boolean {
  const rule = container.restartPolicy === undefined ? undefined : container.restartPolicyRules?.find(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) === true;
    return exitCodes?.operator === "In" ? listed : exitCodes?.operator === "NotIn" && !listed;
  });
  if (rule !== undefined) return true;
  const policy = container.restartPolicy ?? spec.restartPolicy ?? "Always";
  return policy === "OnFailure" ? exitCode !== 0 : policy !== "Never";
}

function validateTransitions(next: readonly ContainerStatus[], previous: readonly ContainerStatus[], path: string, mayRun: (name: string, exitCode: number) => boolean): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, before] of previous.entries()) {
    const ended = before.state?.terminated;
    const now = next.find(({ name }) => name === before.name);
    if (ended && now && !now.state?.terminated && !mayRun(before.name, ended.exitCode)) errors.push(forbidden(`${path}[${index}].state`, "may not be transitioned to non-terminated state"));
  }
  return errors;
}

function validateStateTransitions(next: PodStatus, previous: PodStatus, spec: PodSpec): readonly FieldError[] {
  const all = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const restartsAll = all.some(({ restartPolicyRules = [] }) => restartPolicyRules.some(({ action }) => action === "RestartAllContainers"));
  const check = (containers: readonly Container[]) => (name: string, exitCode: number): boolean => {
    const container = containers.find((each) => each.name === name);
    return restartsAll || (container !== undefined && mayRestart(container, spec, exitCode));
  };
  const errors: FieldError[] = [];
  addAll(errors, validateTransitions(next.containerStatuses ?? [], previous.containerStatuses ?? [], "status.containerStatuses", check(spec.containers ?? [])));
  addAll(errors, validateTransitions(next.initContainerStatuses ?? [], previous.initContainerStatuses ?? [], "status.initContainerStatuses", check(spec.initContainers ?? [])));
  addAll(errors, validateTransitions(next.ephemeralContainerStatuses ?? [], previous.ephemeralContainerStatuses ?? [], "status.ephemeralContainerStatuses", () => false));
  return errors;
}

/** At most one address per family; those that were there before may stay as they are. */
function validateAddresses(addresses: readonly { readonly ip?: string }[], previous: readonly { readonly ip?: string }[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { ip = "" }] of addresses.entries()) if (!previous.some((before) => before.ip === ip)) addAll(errors, legacyIpErrors(`${path}[${index}]`, ip));
  const families = addresses.map(({ ip = "" }) => parseIpSloppy(ip)?.family);
  if (addresses.length > 2 || (addresses.length === 2 && families[0] === families[1])) errors.push(invalid(path, addresses, "may specify no more than one IP for each IP family"));
  return errors;
}

const systemConditions: readonly string[] = ["PodScheduled", "Ready", "Initialized"];
const generationProblem = "must be a non-negative integer";

export function validatePodStatusUpdate(next: Pod, previous: Pod): readonly FieldError[] {
  const [now, before, spec] = [next.status ?? {}, previous.status ?? {}, previous.spec ?? { containers: [] }];
  const errors: FieldError[] = [];
  addAll(errors, validateAnnotationUpdate(next, previous));
  for (const [index, { type, observedGeneration = 0 }] of (now.conditions ?? []).entries()) {
    if (observedGeneration < 0) errors.push(invalid(`status.conditions[${index}].observedGeneration`, observedGeneration, generationProblem));
    if (!systemConditions.includes(type)) addAll(errors, qualifiedName(`status.conditions[${index}].Type`, type ?? ""));
  }
  const nominated = now.nominatedNodeName ?? "";
  if (nominated !== "" && nominated !== before.nominatedNodeName) {
    addAll(errors, dnsSubdomain("status.nominatedNodeName", nominated));
    if ((spec.nodeName ?? "") !== "") errors.push(forbidden("status.nominatedNodeName", "may not be set on pods that are already bound to a node"));
  }
  if ((now.observedGeneration ?? 0) < 0) errors.push(invalid("status.observedGeneration", now.observedGeneration, generationProblem));
  addAll(errors, immutable("status.qosClass", now.qosClass, before.qosClass));
  addAll(errors, validateStateTransitions(now, before, spec));
  const claimNames = new Set<string>();
  for (const [index, { name, resourceClaimName }] of (now.resourceClaimStatuses ?? []).entries()) {
    const at = `status.resourceClaimStatuses[${index}]`;
    if (!(spec.resourceClaims ?? []).some((claim) => claim.name === name)) errors.push(invalid(`${at}.name`, name, "must match the name of an entry in `spec.resourceClaims`"));
    if (claimNames.has(name)) errors.push(duplicate(`${at}.name`, name));
    claimNames.add(name);
    if (resourceClaimName !== undefined) addAll(errors, dnsSubdomain(`${at}.resourceClaimName`, resourceClaimName));
  }
  if (now.extendedResourceClaimStatus) addAll(errors, validateExtendedResourceClaim(now.extendedResourceClaimStatus, spec, "status.extendedResourceClaimStatus"));
  addAll(errors, validateAddresses(now.podIPs ?? [], before.podIPs ?? [], "status.podIPs"));
  const hostIPs = now.hostIPs ?? [];
  if (hostIPs[0] !== undefined && hostIPs[0].ip !== now.hostIP) errors.push(invalid("status.hostIPs[0].ip", hostIPs[0].ip ?? "", "must be equal to `hostIP`"));
  addAll(errors, validateAddresses(hostIPs, before.hostIPs ?? [], "status.hostIPs"));
  addAll(errors, validateStatusOfContainers(now, spec));
  return errors;
}
