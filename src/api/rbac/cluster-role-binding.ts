import { validateBinding, validateBindingUpdate } from "./validation.ts";
import { clusterrolebindings, type ClusterRoleBinding } from "../generated/rbac-v1.ts";
import { pathSegmentName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { bindingColumns } from "./columns.ts";
import { bindingDefaults } from "./defaults.ts";

export const clusterRoleBindingResource = defineResource<ClusterRoleBinding>(clusterrolebindings, {
  validateName: pathSegmentName,
  createOnUpdate: true,
  defaults: bindingDefaults,
  validate: (binding) => validateBinding(binding, { namespaced: false }),
  validateUpdate: (next, previous) => validateBindingUpdate(next, previous, { namespaced: false }),
  columns: bindingColumns,
});
