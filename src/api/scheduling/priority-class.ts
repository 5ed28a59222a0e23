import { priorityclasses, type PriorityClass } from "../generated/scheduling-v1.ts";
import { withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn, text, yesNo } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const priorityClassResource = defineResource<PriorityClass>(priorityclasses, {
  validateName: dnsSubdomainName,
  generation: true,
  generationGrows: () => false,
  defaults: (priorityClass) => withDefaults(priorityClass, { preemptionPolicy: "PreemptLowerPriority" }),
  columns: [
    nameColumn, integer("Value", ({ value }) => value ?? 0), yesNo("Global-Default", ({ globalDefault }) => globalDefault === true), ageColumn,
    { ...text("PreemptionPolicy", ({ preemptionPolicy }: PriorityClass) => preemptionPolicy ?? ""), priority: 1 },
  ],
});
