import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from "../../api/generated/rbac-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { forbiddenError } from "../../apimachinery/status-error.ts";
import { equal } from "../../stdx/equal.ts";
import type { AdmissionPlugin, AdmissionRequest, Attributes, Authorizer, UserInfo } from "../access.ts";
import { isAggregated } from "./aggregation.ts";
import { superusersGroup } from "./authorizer.ts";
import { missingRights } from "./coverage.ts";
import { errorsText, type RuleResolver } from "./rbac.ts";

const group = "rbac.authorization.k8s.io";
const everything: readonly PolicyRule[] = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }, { nonResourceURLs: ["*"], verbs: ["*"] }];

/**
 * Nobody hands out rights that they do not have: who writes a role must hold all of its rules (or the verb `escalate` on it), who writes a binding
 * all rules of its role (or `bind`). Upstream does this in the storage of the four kinds; it cannot be turned off.
 */
export function escalationCheck({ authorizer, resolver }: { readonly authorizer: Authorizer; readonly resolver: RuleResolver }): AdmissionPlugin {
  const allowed = async (attributes: Pick<Attributes, "user" | "verb" | "resource" | "namespace" | "name">): Promise<boolean> => {
    const { decision } = await authorizer.authorize({ path: "", isResourceRequest: true, group, version: "*", subresource: "", ...attributes });
    return decision === "allow";
  };

  const confirmHeld = ({ user, namespace, type, name }: AdmissionRequest, rules: readonly PolicyRule[]): void => {
    const text = notHeldText(resolver, user, namespace, rules);
    if (text !== undefined) throw forbiddenError({ group, resource: type.plural }, name, text);
  };

  const checkRole = async (request: AdmissionRequest, role: Role | ClusterRole): Promise<void> => {
    const { user, namespace, type } = request;
    if (await allowed({ user, verb: "escalate", resource: type.plural, namespace, name: request.operation === "CREATE" ? "" : request.name })) return;
    confirmHeld(request, role.rules ?? []);
    const aggregates = [role, request.oldObject as Role | ClusterRole | undefined].some((each) => each?.kind === "ClusterRole" && isAggregated(each));
    if (aggregates && notHeldText(resolver, user, namespace, everything) !== undefined) {
      throw forbiddenError({ group, resource: type.plural }, request.name, "must have cluster-admin privileges to use the aggregationRule");
    }
  };

  const checkBinding = async (request: AdmissionRequest, { roleRef }: RoleBinding | ClusterRoleBinding): Promise<void> => {
    const { user, namespace } = request;
    const resource = roleRef.kind === "Role" ? "roles" : "clusterroles";
    if (await allowed({ user, verb: "bind", resource, namespace, name: roleRef.name })) return;
    confirmHeld(request, resolver.rulesOfReference(roleRef, namespace));
  };

  return {
    name: "RBACEscalation",
    handles: (operation, type, subresource) =>
      (operation === "CREATE" || operation === "UPDATE") && type.group === group && subresource === "",
    async validate(request) {
      const { object, oldObject, user } = request;
      if (!object || user.groups.includes(superusersGroup) || (oldObject && changesOnlyWhatEndsIt(object, oldObject))) return;
      if (object.kind === "Role" || object.kind === "ClusterRole") await checkRole(request, object as Role | ClusterRole);
      else await checkBinding(request, object as RoleBinding | ClusterRoleBinding);
    },
  };
}

function notHeldText(resolver: RuleResolver, user: UserInfo, namespace: string, rules: readonly PolicyRule[]): string | undefined {
  const found = [...resolver.rulesFor(user, namespace)];
  const missing = missingRights(found.flatMap((each) => ("rule" in each ? [each.rule] : [])), rules);
  if (missing.length === 0) return undefined;
  const errors = found.flatMap((each) => ("error" in each ? [each.error] : []));
  const groups = `[${user.groups.map((name) => JSON.stringify(name)).join(" ")}]`;
  return `user ${JSON.stringify(user.name)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${missing.join("\n")}` +
    (errors.length === 0 ? "" : `; resolution errors: ${errorsText(errors)}`);
}

/** The garbage collector must be able to take finalizers and owners off a role that it could not write itself. */
function changesOnlyWhatEndsIt(object: KubeObject, oldObject: KubeObject): boolean {
  const rest = ({ metadata: { ownerReferences: _owners, finalizers: _finalizers, managedFields: _fields, ...metadata }, ...body }: KubeObject) => ({ ...body, metadata });
  return equal(rest(object), rest(oldObject));
}
