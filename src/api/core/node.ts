import { nodes, type Node } from "../generated/core-v1.ts";
import { changeField } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { orText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";

const rolePrefix = "node-role.kubernetes.io/";
const roleLabel = "kubernetes.io/role";

export const nodeResource = defineResource<Node>(nodes, {
  validateName: dnsSubdomainName,
  defaults: (node) => changeField(node, "status", (status) =>
    status.allocatable === undefined && status.capacity !== undefined ? { ...status, allocatable: status.capacity } : status),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
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
