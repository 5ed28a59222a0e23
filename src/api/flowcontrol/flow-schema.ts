import { flowschemas, type FlowSchema } from "../generated/flowcontrol-v1.ts";
import { changeField, withNumberDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus } from "../strategy.ts";
import { statusWithOldMetadata } from "./strategy.ts";

const matchingPrecedence = 1000;

export const flowSchemaResource = defineResource<FlowSchema>(flowschemas, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (schema) => changeField(schema, "spec", (spec) => withNumberDefaults(spec, { matchingPrecedence })),
  prepareForCreate: (schema) => ({ ...schema, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusWithOldMetadata() },
  columns: [
    nameColumn,
    text("PriorityLevel", ({ spec }) => spec?.priorityLevelConfiguration?.name ?? ""),
    text("MatchingPrecedence", ({ spec }) => spec?.matchingPrecedence ?? 0),
    text("DistinguisherMethod", ({ spec }) => spec?.distinguisherMethod?.type ?? "<none>"),
    ageColumn,
    text("MissingPL", ({ status }) => status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?"),
  ],
});
