import type { FieldError } from "../../apimachinery/field-error.ts";
import { validateAggregation, validateRules } from "./validation.ts";
import { clusterroles, type ClusterRole } from "../generated/rbac-v1.ts";
import { pathSegmentName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";
import { createdAtColumns } from "./columns.ts";

export const clusterRoleResource = defineResource<ClusterRole>(clusterroles, {
  validateName: pathSegmentName,
  createOnUpdate: true,
  validate,
  validateUpdate: validate,
  columns: createdAtColumns,
});

function validate({ rules, aggregationRule }: ClusterRole): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateRules(rules ?? [], { namespaced: false }));
  addAll(errors, validateAggregation(aggregationRule));
  return errors;
}
