import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../../api/generated/rbac-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { equal } from "../../stdx/equal.ts";
import { aggregatedRules } from "../authorization/aggregation.ts";
import { uncoveredRules } from "../authorization/coverage.ts";
import { defaultClusterRoleBindings } from "./cluster-role-bindings.ts";
import { defaultClusterRoles } from "./cluster-roles.ts";
import { controllerRoles } from "./controller-roles.ts";
import { namespaceRoleBindings, namespaceRoles } from "./namespace-roles.ts";
import { serviceAccount, type BindingFacts, type RoleFacts } from "./role-facts.ts";

const apiVersion = "rbac.authorization.k8s.io/v1";
const group = "rbac.authorization.k8s.io";
const autoUpdateAnnotation = "rbac.authorization.kubernetes.io/autoupdate";
const aggregateLabel = (to: string): string => `rbac.authorization.k8s.io/aggregate-to-${to}`;

const metadataOf = ({ name, namespace, aggregateTo = [] }: Pick<RoleFacts, "name" | "namespace" | "aggregateTo">) => ({
  name,
  ...(namespace !== undefined && { namespace }),
  annotations: { [autoUpdateAnnotation]: "true" },
  labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...Object.fromEntries(aggregateTo.map((to) => [aggregateLabel(to), "true"])) },
});

const clusterRole = (facts: RoleFacts): ClusterRole => ({
  apiVersion, kind: "ClusterRole", metadata: metadataOf(facts), rules: facts.rules,
  ...(facts.aggregatedFrom && { aggregationRule: { clusterRoleSelectors: facts.aggregatedFrom.map((from) => ({ matchLabels: { [aggregateLabel(from)]: "true" } })) } }),
});

const clusterRoleBinding = ({ name, role, subjects }: BindingFacts): ClusterRoleBinding => ({
  apiVersion, kind: "ClusterRoleBinding", metadata: metadataOf({ name }), roleRef: { apiGroup: group, kind: "ClusterRole", name: role },
  ...(subjects.length > 0 && { subjects }),
});

/** The cluster's DNS reads Services and their endpoints under the name that kubeadm gives it. */
const dnsRole: RoleFacts = {
  name: "system:coredns", rules: [
    { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: ["list", "watch"] },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
  ],
};
const dnsBinding: BindingFacts = { name: "system:coredns", role: "system:coredns", subjects: [serviceAccount("kube-system", "coredns")] };

export interface RbacObjects {
  readonly clusterRoles: readonly ClusterRole[];
  readonly clusterRoleBindings: readonly ClusterRoleBinding[];
  readonly roles: readonly Role[];
  readonly roleBindings: readonly RoleBinding[];
}

/** Everything that a new cluster has; aggregated roles come with the rules that they gather. */
export function defaultRbacObjects(): RbacObjects {
  const own = [...defaultClusterRoles, ...controllerRoles, dnsRole].map(clusterRole);
  const controllerBindings = controllerRoles.map(({ name }): BindingFacts => ({
    name, role: name, subjects: [serviceAccount("kube-system", name.slice(name.lastIndexOf(":") + 1))],
  }));
  return {
    clusterRoles: own.map((role) => (role.aggregationRule ? { ...role, rules: aggregatedRules(role, own) } : role)),
    clusterRoleBindings: [...defaultClusterRoleBindings, ...controllerBindings, dnsBinding].map(clusterRoleBinding),
    roles: namespaceRoles.map((facts) => ({ apiVersion, kind: "Role", metadata: metadataOf(facts), rules: facts.rules })),
    roleBindings: namespaceRoleBindings.map(({ name, namespace = "", role, subjects }) => ({
      apiVersion, kind: "RoleBinding", metadata: metadataOf({ name, namespace }), roleRef: { apiGroup: group, kind: "Role", name: role }, subjects,
    })),
  };
}

export type RbacWrite =
  | { readonly verb: "create"; readonly object: KubeObject }
  | { readonly verb: "update"; readonly object: KubeObject }
  /** A role reference cannot be changed: the binding is deleted and made again. */
  | { readonly verb: "replace"; readonly object: KubeObject };

const nameOf = ({ metadata: { namespace = "", name = "" } }: KubeObject): string => `${namespace}/${name}`;

/**
 * What has to be written so that every default object is there and grants at least what it should. Rules, subjects, labels and annotations that
 * somebody added stay; objects whose autoupdate annotation is "false" are left alone.
 */
export function planRbac(wanted: RbacObjects, present: RbacObjects): readonly RbacWrite[] {
  return [
    ...plan(wanted.clusterRoles, present.clusterRoles, mendRole),
    ...plan(wanted.clusterRoleBindings, present.clusterRoleBindings, mendBinding),
    ...plan(wanted.roles, present.roles, mendRole),
    ...plan(wanted.roleBindings, present.roleBindings, mendBinding),
  ];
}

function plan<T extends KubeObject>(wanted: readonly T[], present: readonly T[], mend: (wanted: T, present: T) => RbacWrite | undefined): readonly RbacWrite[] {
  const byName = new Map(present.map((each) => [nameOf(each), each]));
  return wanted.flatMap((each) => {
    const found = byName.get(nameOf(each));
    if (!found) return [{ verb: "create" as const, object: each }];
    if (found.metadata.annotations?.[autoUpdateAnnotation] === "false") return [];
    return mend(each, found) ?? [];
  });
}

const mendMetadata = (wanted: KubeObject, { metadata }: KubeObject) => ({
  ...metadata, labels: { ...wanted.metadata.labels, ...metadata.labels }, annotations: { ...wanted.metadata.annotations, ...metadata.annotations },
});

const unlessEqual = (object: KubeObject, present: KubeObject): RbacWrite | undefined => (equal(object, present) ? undefined : { verb: "update", object });

function mendRole<T extends Role | ClusterRole>(wanted: T, present: T): RbacWrite | undefined {
  const rules = present.rules ?? [];
  const missing = equal(rules, wanted.rules ?? []) ? [] : uncoveredRules(rules, wanted.rules ?? []);
  const metadata = mendMetadata(wanted, present);
  if (wanted.kind === "Role" || present.kind === "Role") return unlessEqual({ ...present, metadata, ...(missing.length > 0 && { rules: [...rules, ...missing] }) }, present);
  const { aggregationRule: _previous, ...rest } = present;
  const selectors = present.aggregationRule?.clusterRoleSelectors ?? [];
  const missingSelectors = (wanted.aggregationRule?.clusterRoleSelectors ?? []).filter((selector) => !selectors.some((each) => equal(each, selector)));
  const object = {
    ...rest, metadata, ...(missing.length > 0 && { rules: [...rules, ...missing] }),
    ...(wanted.aggregationRule && { aggregationRule: missingSelectors.length > 0 ? { clusterRoleSelectors: [...selectors, ...missingSelectors] } : present.aggregationRule }),
  };
  return unlessEqual(object, present);
}

function mendBinding<T extends RoleBinding | ClusterRoleBinding>(wanted: T, present: T): RbacWrite | undefined {
  if (!equal(wanted.roleRef, present.roleRef)) return { verb: "replace", object: wanted };
  const subjects = present.subjects ?? [];
  const missing = (wanted.subjects ?? []).filter((subject) => !subjects.some((each) => equal(each, subject)));
  return unlessEqual({ ...present, metadata: mendMetadata(wanted, present), ...(missing.length > 0 && { subjects: [...subjects, ...missing] }) }, present);
}
