import type { KubeObject } from "../../apimachinery/object.ts";
import type { RoleRef, Subject } from "../generated/rbac-v1.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import type { Column } from "../resource.ts";

/** Roles have no printer of their own upstream, so they get the default columns. */
export const createdAtColumns: readonly Column<KubeObject>[] = [
  nameColumn,
  { name: "Created At", type: "date", priority: 0, cell: ({ metadata }) => metadata.creationTimestamp ?? null },
];

interface BindingLike extends KubeObject { readonly roleRef: RoleRef; readonly subjects?: readonly Subject[] }
const subjectsOf = (kind: string) => ({ subjects = [] }: BindingLike): string =>
  subjects.filter((subject) => subject.kind === kind).map(({ namespace, name }) => (kind === "ServiceAccount" ? `${namespace ?? ""}/${name}` : name)).join(", ");

export const bindingColumns: readonly Column<BindingLike>[] = [
  nameColumn,
  text("Role", ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  wide("Users", subjectsOf("User")),
  wide("Groups", subjectsOf("Group")),
  wide("ServiceAccounts", subjectsOf("ServiceAccount")),
];
