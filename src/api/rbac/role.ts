import { validateRules } from "./validation.ts";
import { roles, type Role } from "../generated/rbac-v1.ts";
import { pathSegmentName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { createdAtColumns } from "./columns.ts";

export const roleResource = defineResource<Role>(roles, {
  validateName: pathSegmentName,
  createOnUpdate: true,
  validate: ({ rules }) => validateRules(rules ?? [], { namespaced: true }),
  validateUpdate: ({ rules }) => validateRules(rules ?? [], { namespaced: true }),
  columns: createdAtColumns,
});
