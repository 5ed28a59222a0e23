import type { KubeObject } from "../../apimachinery/object.ts";
import type { RoleRef, Subject } from "../generated/rbac-v1.ts";
import { changeEach, changeField, withDefaults, withStruct } from "../defaulting.ts";

const rbacGroup = "rbac.authorization.k8s.io";
interface BindingLike extends KubeObject { readonly roleRef: RoleRef; readonly subjects?: readonly Subject[] }

/** A role is referenced in the group of RBAC; users and groups are subjects of it too, service accounts belong to the core group. */
export function bindingDefaults<T extends BindingLike>(binding: T): T {
  const withRef = changeField(withStruct(binding as BindingLike, "roleRef"), "roleRef", (roleRef) => withDefaults(roleRef, { apiGroup: rbacGroup }));
  return changeEach(withRef, "subjects", (subject: Subject) => (subject.kind === "User" || subject.kind === "Group" ? withDefaults(subject, { apiGroup: rbacGroup }) : subject)) as T;
}
