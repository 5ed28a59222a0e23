import { customresourcedefinitions, type CustomResourceDefinition } from "../generated/apiextensions-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { createdAtColumns } from "../rbac/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";

export const customResourceDefinitionResource = defineResource<CustomResourceDefinition>(customresourcedefinitions, {
  validateName: dnsSubdomainName,
  generation: true,
  unconditionalUpdate: false,
  defaults: (definition) => changeField(definition, "spec", (spec) => {
    const named = changeField(spec, "names", (names) => withDefaults(names, { singular: (names.kind ?? "").toLowerCase(), listKind: (names.kind ?? "") === "" ? "" : `${names.kind}List` }));
    const converted = withDefaults(named, { conversion: { strategy: "None" } });
    return changeField(converted, "conversion", (conversion) => changeField(conversion, "webhook", (webhook) =>
      changeField(webhook, "clientConfig", (config) => changeField(config, "service", (service) => withDefaults(service, { port: 443 })))));
  }),
  prepareForCreate: (definition) => {
    const storage = (definition.spec?.versions ?? []).filter((version) => version.storage).map(({ name }) => name);
    return { ...definition, status: { conditions: [], acceptedNames: { plural: "", kind: "" }, storedVersions: storage } };
  },
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy({ resetMetadata: true }) },
  columns: createdAtColumns,
});
