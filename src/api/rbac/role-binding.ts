import { validateBinding, validateBindingUpdate } from "./validation.ts";
import { rolebindings, type RoleBinding } from "../generated/rbac-v1.ts";
import { pathSegmentName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { bindingColumns } from "./columns.ts";
import { bindingDefaults } from "./defaults.ts";

export const roleBindingResource = defineResource<RoleBinding>(rolebindings, {
  validateName: pathSegmentName,
  createOnUpdate: true,
  defaults: bindingDefaults,
  validate: (binding) => validateBinding(binding, { namespaced: true }),
  validateUpdate: (next, previous) => validateBindingUpdate(next, previous, { namespaced: true }),
  columns: bindingColumns,
});
