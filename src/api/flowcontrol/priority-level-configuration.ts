import { prioritylevelconfigurations, type PriorityLevelConfiguration } from "../generated/flowcontrol-v1.ts";
import { changeField, withDefaults, withNumberDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus } from "../strategy.ts";
import { statusWithOldMetadata } from "./strategy.ts";

const none = "<none>";

export const priorityLevelConfigurationResource = defineResource<PriorityLevelConfiguration>(prioritylevelconfigurations, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (level) => changeField(level, "spec", (spec) => {
    const exempt = changeField(spec, "exempt", (rules) => withDefaults(rules, { nominalConcurrencyShares: 0, lendablePercent: 0 }));
    return changeField(exempt, "limited", (limited) => changeField(
      withDefaults(limited, { nominalConcurrencyShares: 30, lendablePercent: 0 }),
      "limitResponse", (response) => changeField(response, "queuing", (queuing) => withNumberDefaults(queuing, { queues: 64, handSize: 8, queueLengthLimit: 50 })),
    ));
  }),
  prepareForCreate: (level) => ({ ...level, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusWithOldMetadata() },
  columns: [
    nameColumn,
    text("Type", ({ spec }) => spec?.type ?? ""),
    text("NominalConcurrencyShares", ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? none),
    text("Queues", ({ spec }) => spec?.limited?.limitResponse?.queuing?.queues ?? none),
    text("HandSize", ({ spec }) => spec?.limited?.limitResponse?.queuing?.handSize ?? none),
    text("QueueLengthLimit", ({ spec }) => spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? none),
    ageColumn,
  ],
});
