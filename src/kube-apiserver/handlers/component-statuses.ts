import { componentstatuses, type ComponentStatus } from "../../api/generated/core-v1.ts";
import { defineResource } from "../../api/resource.ts";
import { notFoundError } from "../../apimachinery/status-error.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { CacheEntry, StoredForm } from "../cache/cache-entry.ts";
import { deprecationWarning } from "../deprecations.ts";
import { methodNotAllowed } from "../requests/refusals.ts";
import type { Authorized } from "../requests/request.ts";
import type { HealthCheck } from "./health.ts";

const conditionOf = ({ conditions }: ComponentStatus) => conditions?.find(({ type }) => type === "Healthy");
const text = (name: string, cell: (status: ComponentStatus) => string) => ({ name, type: "string", priority: 0, cell } as const);

const resource = defineResource<ComponentStatus>(componentstatuses, {
  validateName: () => [],
  columns: [
    { ...text("Name", ({ metadata }) => metadata.name ?? ""), format: "name" },
    text("Status", (status) => (conditionOf(status)?.status === "True" ? "Healthy" : "Unhealthy")),
    text("Message", (status) => conditionOf(status)?.message ?? ""),
    text("Error", (status) => conditionOf(status)?.error ?? ""),
  ],
});
const form = new StoredForm(componentstatuses);

async function asked({ name, check }: Pick<HealthCheck, "name"> & { readonly check: () => Promise<void> }): Promise<ComponentStatus> {
  let condition: NonNullable<ComponentStatus["conditions"]>[number];
  try {
    await check();
    condition = { type: "Healthy", status: "True", message: "ok" };
  } catch (error) {
    condition = { type: "Healthy", status: "False", message: error instanceof Error ? error.message : String(error) };
  }
  return { apiVersion: "v1", kind: "ComponentStatus", metadata: { name }, conditions: [condition] };
}

/** GET componentstatuses: asked for afresh each time. Components of other processes are not asked; their Leases say more. */
export async function componentStatuses(api: Api, { info, warnings }: Authorized): Promise<Answer> {
  if (info.verb !== "get" && info.verb !== "list") throw methodNotAllowed();
  if (info.subresource !== "" || info.namespace !== "") throw methodNotAllowed();
  const warning = deprecationWarning(componentstatuses);
  if (warning !== undefined) warnings.push(warning);
  const statuses = [await asked({ name: "etcd-0", check: async () => void (await api.state.store.get("/registry/health")) })];
  const served = { type: componentstatuses, resource: resource as unknown as ReturnType<typeof defineResource> };
  const entries = statuses.map((status) => CacheEntry.ofObject(form, status.metadata.name ?? "", api.state.revision, status));
  if (info.verb === "list") return { is: "list", served, entries, revision: api.state.revision };
  const entry = entries.find(({ key }) => key === info.name);
  if (!entry) throw notFoundError({ group: "", resource: "componentstatuses" }, info.name);
  return { is: "entry", code: 200, entry, served };
}
