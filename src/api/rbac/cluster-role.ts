import { clusterroles, type ClusterRole } from "../generated/rbac-v1.ts";
import { pathSegmentName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { createdAtColumns } from "./columns.ts";

export const clusterRoleResource = defineResource<ClusterRole>(clusterroles, {
  validateName: pathSegmentName,
  createOnUpdate: true,
  columns: createdAtColumns,
});
