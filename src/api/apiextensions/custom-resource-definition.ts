import { customresourcedefinitions, type CustomResourceDefinition } from "../generated/apiextensions-v1.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { createdAtColumns } from "../rbac/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { validateDefinition, validateDefinitionStatus } from "./definition-validation.ts";

export const customResourceDefinitionResource = defineResource<CustomResourceDefinition>(customresourcedefinitions, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  generation: true,
  unconditionalUpdate: false,
  defaults: (definition) => changeField(withStruct(definition, "spec"), "spec", (spec) => {
    const named = changeField(withStruct(spec, "names"), "names", (names) => withDefaults(names, { singular: (names.kind ?? "").toLowerCase(), listKind: (names.kind ?? "") === "" ? "" : `${names.kind}List` }));
    const converted = withDefaults(named, { conversion: { strategy: "None" } });
    return changeField(converted, "conversion", (conversion) => changeField(conversion, "webhook", (webhook) =>
      changeField(webhook, "clientConfig", (config) => changeField(config, "service", (service) => withDefaults(service, { port: 443 })))));
  }),
  prepareForCreate: (definition) => {
    const storage = (definition.spec?.versions ?? []).filter((version) => version.storage).map(({ name }) => name).slice(0, 1);
    return { ...definition, status: { conditions: [], acceptedNames: { plural: "", kind: "" }, storedVersions: storage } };
  },
  // What is stored from now on is noted at once: versions go only when nothing is left in them.
  prepareForUpdate: (next, previous) => {
    const kept = keepStatus(next, previous);
    const storage = (next.spec?.versions ?? []).find((version) => version.storage)?.name;
    const stored = kept.status?.storedVersions ?? [];
    return storage === undefined || stored.includes(storage) ? kept : { ...kept, status: { ...kept.status, storedVersions: [...stored, storage] } };
  },
  validate: (definition) => validateDefinition(definition),
  validateUpdate: validateDefinition,
  subresources: { status: { ...statusStrategy({ validateUpdate: validateDefinitionStatus }), tracked: { without: ["metadata", "spec"] } } },
  columns: createdAtColumns,
});
