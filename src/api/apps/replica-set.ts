import { replicasets, type ReplicaSet } from "../generated/apps-v1.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { replicatedColumns } from "./workload-columns.ts";

export const replicaSetResource = defineResource<ReplicaSet>(replicasets, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (replicaSet) => changeField(replicaSet, "spec", (spec) => changeField(withDefaults(spec, { replicas: 1 }), "template", podTemplateDefaults)),
  prepareForCreate: (replicaSet) => ({ ...replicaSet, status: { replicas: 0 } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
  selectableFields: { "status.replicas": ({ status }) => `${status?.replicas ?? 0}` },
  columns: replicatedColumns,
});
