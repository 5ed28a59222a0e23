import type { PolicyRule, Subject } from "../../api/generated/rbac-v1.ts";

/** One default role, as data; what all of them share (labels, annotations) is added where they are made. */
export interface RoleFacts {
  readonly name: string;
  /** Roles of a namespace have one. */
  readonly namespace?: string;
  /** The roles that gather this one by its label: "admin", "edit", "view". */
  readonly aggregateTo?: readonly string[];
  /** The role has no rules of its own but those of the roles that are labelled for this name. */
  readonly aggregatedFrom?: readonly string[];
  readonly rules: readonly PolicyRule[];
}

/** One default binding; `role` is of the same kind of scope as the binding. */
export interface BindingFacts {
  readonly name: string;
  readonly namespace?: string;
  readonly role: string;
  readonly subjects: readonly Subject[];
}

export const read: readonly string[] = ["get", "list", "watch"];
export const write: readonly string[] = ["create", "delete", "deletecollection", "patch", "update"];

const rbacGroup = "rbac.authorization.k8s.io";
export const user = (name: string): Subject => ({ kind: "User", apiGroup: rbacGroup, name });
export const group = (name: string): Subject => ({ kind: "Group", apiGroup: rbacGroup, name });
export const serviceAccount = (namespace: string, name: string): Subject => ({ kind: "ServiceAccount", name, namespace });
