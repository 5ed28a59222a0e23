import { clusterrolebindings, type ClusterRoleBinding } from "../generated/rbac-v1.ts";
import { pathSegmentName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { bindingColumns } from "./columns.ts";
import { bindingDefaults } from "./defaults.ts";

export const clusterRoleBindingResource = defineResource<ClusterRoleBinding>(clusterrolebindings, {
  validateName: pathSegmentName,
  createOnUpdate: true,
  defaults: bindingDefaults,
  columns: bindingColumns,
});
