import { duplicate, forbidden, invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { cidrWarnings, labelValueErrors, legacyCidrErrors } from "../../apimachinery/validation.ts";
import { labelName } from "../checks.ts";
import { canonicalResources } from "./resource-list.ts";
import { validateAmount } from "./pod-spec/validation-resources.ts";
import { validateTaintEffect } from "./pod-spec/validation-scheduling.ts";
import { nodes, type Node } from "../generated/core-v1.ts";
import { changeField, without } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { orText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";

const rolePrefix = "node-role.kubernetes.io/";
const roleLabel = "kubernetes.io/role";

export const nodeResource = defineResource<Node>(nodes, {
  validateName: dnsSubdomainName,
  defaults: (node) => changeField(changeField(node, "spec", withBothPodRanges), "status", (status) => {
    const canonical = changeField(changeField(status, "capacity", canonicalResources), "allocatable", canonicalResources);
    return canonical.allocatable === undefined && canonical.capacity !== undefined ? { ...canonical, allocatable: canonical.capacity } : canonical;
  }),
  // Configuration from the API is gone since 1.24; nodes that still have it keep it.
  prepareForCreate: (node) => changeField(changeField(node, "spec", (spec) => without(spec, "configSource")), "status", (status) => without(status, "config")),
  prepareForUpdate: (next, previous) => changeField(keepStatus(next, previous), "spec", (spec) => (previous.spec?.configSource ? spec : without(spec, "configSource"))),
  validate: validateWhole,
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validateWhole(next));
    addAll(errors, validateUpdate(next, previous));
    return errors;
  },
  warningsOnCreate: nodeWarnings,
  warningsOnUpdate: nodeWarnings,
  subresources: {
    status: statusStrategy({ validateUpdate }),
  },
  selectableFields: { "spec.unschedulable": ({ spec }) => `${spec?.unschedulable === true}` },
  columns: [
    nameColumn,
    text("Status", statusText),
    text("Roles", rolesText),
    ageColumn,
    text("Version", ({ status }) => status?.nodeInfo?.kubeletVersion ?? ""),
    wide("Internal-IP", (node) => addressText(node, "InternalIP")),
    wide("External-IP", (node) => addressText(node, "ExternalIP")),
    wide("OS-Image", ({ status }) => orText(status?.nodeInfo?.osImage, "<unknown>")),
    wide("Kernel-Version", kernelText),
    wide("Container-Runtime", ({ status }) => orText(status?.nodeInfo?.containerRuntimeVersion, "<unknown>")),
  ],
});

function statusText({ spec, status }: Node): string {
  const ready = status?.conditions?.findLast(({ type }) => type === "Ready");
  const first = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return spec?.unschedulable === true ? `${first},SchedulingDisabled` : first;
}

function rolesText({ metadata }: Node): string {
  const roles = Object.entries(metadata.labels ?? {}).map(([key, value]) => (key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) : key === roleLabel ? value : ""));
  return orText([...new Set(roles.filter((role) => role !== ""))].toSorted().join(","), "<none>");
}

const addressText = ({ status }: Node, type: string): string => status?.addresses?.find((address) => address.type === type)?.address ?? "<none>";

/** The machine's architecture is shown with the kernel, as there is no column for it. */
function kernelText({ status }: Node): string {
  const architecture = status?.nodeInfo?.architecture ?? "";
  const kernel = orText(status?.nodeInfo?.kernelVersion, "<unknown>");
  return architecture === "" ? kernel : `${kernel} (${architecture})`;
}

/** The first range of pod addresses stands in a field of its own too. */
function withBothPodRanges<T extends { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] }>(spec: T): T {
  const { podCIDR = "", podCIDRs = [] } = spec;
  if (podCIDR !== "" && podCIDRs[0] !== podCIDR) return { ...spec, podCIDRs: [podCIDR] };
  return podCIDR === "" && podCIDRs[0] !== undefined ? { ...spec, podCIDR: podCIDRs[0] } : spec;
}

function validateTaints(taints: readonly { readonly key: string; readonly value?: string; readonly effect: string; readonly timeAdded?: string }[]): readonly FieldError[] {
  // Upstream reports taints under metadata.
  const path = "metadata.taints";
  const errors: FieldError[] = [];
  for (const [index, taint] of taints.entries()) {
    const at = `${path}[${index}]`;
    addAll(errors, labelName(`${at}.key`, taint.key ?? ""));
    const problems = labelValueErrors(taint.value ?? "");
    if (problems.length > 0) errors.push(invalid(`${at}.value`, taint.value, problems.join(";")));
    addAll(errors, validateTaintEffect(taint.effect, `${at}.effect`));
    if (taints.slice(0, index).some(({ key, effect }) => key === taint.key && effect === taint.effect)) {
      const error = duplicate(at, { Key: taint.key ?? "", Value: taint.value ?? "", Effect: taint.effect ?? "", TimeAdded: taint.timeAdded ?? null });
      errors.push({ ...error, message: `${error.message}: taints must be unique by key and effect pair` });
    }
  }
  return errors;
}

function validateResources({ status }: Node): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["capacity", "allocatable"] as const) {
    for (const [name, amount] of Object.entries(status?.[field] ?? {})) addAll(errors, validateAmount(name, amount, `status.${field}.${name}`));
  }
  return errors;
}

function validateUpdate(next: Node, previous: Node): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateResources(next));
  addAll(errors, validateDeclaredFeatures(next.status?.declaredFeatures ?? []));
  const seen = new Set<string>();
  for (const [index, address] of (next.status?.addresses ?? []).entries()) {
    const key = `${address.type}/${address.address}`;
    if (seen.has(key)) errors.push(duplicate(`status.addresses[${index}]`, { Type: address.type, Address: address.address }));
    seen.add(key);
  }
  const [ranges, oldRanges] = [next.spec?.podCIDRs ?? [], previous.spec?.podCIDRs ?? []];
  if (oldRanges.length > 0 && (ranges.length !== oldRanges.length || oldRanges.some((range, index) => range !== ranges[index]))) {
    errors.push(forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'));
  }
  const provider = previous.spec?.providerID ?? "";
  if (provider !== "" && provider !== next.spec?.providerID) errors.push(forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'));
  addAll(errors, validateTaints(next.spec?.taints ?? []));
  if ((next.spec?.externalID ?? "") !== (previous.spec?.externalID ?? "")) errors.push(forbidden("spec.externalID", "may not be updated"));
  return errors;
}

function validateWhole(node: Node): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateTaints(node.spec?.taints ?? []));
  addAll(errors, validateResources(node));
  addAll(errors, validateDeclaredFeatures(node.status?.declaredFeatures ?? []));
  const ranges = node.spec?.podCIDRs ?? [];
  for (const [index, range] of ranges.entries()) addAll(errors, legacyCidrErrors(`spec.podCIDRs[${index}]`, range));
  if (ranges.length > 2 || (ranges.length === 2 && ranges.every((range) => range.includes(":") === (ranges[0] ?? "").includes(":")))) {
    errors.push(invalid("spec.podCIDRs", ranges, "may specify no more than one CIDR for each IP family"));
  }
  return errors;
}

const featurePattern = /^([A-Z][A-Za-z0-9]*)(\/[A-Za-z0-9]+)*$/;
const featureBytesMax = 253;
const featureRule = "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";

/** What a kubelet says that it can do (KEP 5328), sorted. */
function validateDeclaredFeatures(features: readonly string[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, feature] of features.entries()) {
    const at = `status.declaredFeatures[${index}]`;
    const before = features[index - 1];
    if (before !== undefined && before === feature) errors.push(duplicate(at, feature));
    else if (before !== undefined && before > feature) errors.push(invalid(at, feature, "list must be sorted alphabetically"));
    if (feature.length > featureBytesMax) errors.push(invalid(at, feature, `invalid feature name ${JSON.stringify(feature)}: must be no more than ${featureBytesMax} characters`));
    else if (!featurePattern.test(feature)) errors.push(invalid(at, feature, `invalid feature name ${JSON.stringify(feature)}: ${featureRule}`));
  }
  return errors;
}

function nodeWarnings({ spec }: Node): readonly string[] {
  return [
    ...(spec?.configSource ? ["spec.configSource: the feature is removed"] : []),
    ...((spec?.externalID ?? "") === "" ? [] : ["spec.externalID: this field is deprecated, and is unused by Kubernetes"]),
    ...(spec?.podCIDRs ?? []).flatMap((range, index) => cidrWarnings(`spec.podCIDRs[${index}]`, range)),
  ];
}
