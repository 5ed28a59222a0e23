import {
  clusterrolebindings, clusterroles, rolebindings, roles, type ClusterRole, type ClusterRoleBinding, type PolicyRule, type RoleBinding, type RoleRef, type Subject,
} from "../../api/generated/rbac-v1.ts";
import { notFoundError } from "../../apimachinery/status-error.ts";
import type { Attributes, Authorizer, ClusterReader, Decision, UserInfo } from "../access.ts";
import { aggregatedRules, isAggregated } from "./aggregation.ts";
import { ruleAllows } from "./rules.ts";

type Binding = RoleBinding | ClusterRoleBinding;
interface Bound {
  readonly binding: Binding;
  readonly subject: Subject;
}

const group = "rbac.authorization.k8s.io";

/** Bindings by the user or group that they name: a check looks at those of its user only, however many there are. */
class BindingIndex {
  readonly bindings: readonly Binding[];
  /** As of this change of any binding it is known to be right; undefined where changes are not told. */
  asOf: number | undefined;
  readonly #bySubject = new Map<string, Bound[]>();

  constructor(bindings: readonly Binding[], namespace: string, asOf: number | undefined) {
    this.bindings = bindings;
    this.asOf = asOf;
    for (const binding of bindings) {
      for (const subject of binding.subjects ?? []) {
        const key = subjectKey(subject, namespace);
        if (key === undefined) continue;
        const known = this.#bySubject.get(key);
        if (known) known.push({ binding, subject });
        else this.#bySubject.set(key, [{ binding, subject }]);
      }
    }
  }

  *of(user: UserInfo): Generator<Bound> {
    yield* this.#bySubject.get(`user ${user.name}`) ?? [];
    for (const name of user.groups) yield* this.#bySubject.get(`group ${name}`) ?? [];
  }
}

/** Service accounts are users of a known name; one without a namespace is of the binding's namespace. */
function subjectKey({ kind, name, namespace = "" }: Subject, bindingNamespace: string): string | undefined {
  switch (kind) {
    case "User": return `user ${name}`;
    case "Group": return `group ${name}`;
    case "ServiceAccount": {
      const of = namespace === "" ? bindingNamespace : namespace;
      return of === "" ? undefined : `user system:serviceaccount:${of}:${name}`;
    }
    default: return undefined;
  }
}

const same = (a: readonly unknown[], b: readonly unknown[]): boolean => a === b || (a.length === b.length && a.every((each, index) => each === b[index]));

/** The index itself while it is right, else a new one. */
function current(known: BindingIndex | undefined, namespace: string, asOf: number | undefined, list: () => readonly Binding[]): BindingIndex {
  if (known && asOf !== undefined && known.asOf === asOf) return known;
  const bindings = list();
  if (!known || !same(known.bindings, bindings)) return new BindingIndex(bindings, namespace, asOf);
  known.asOf = asOf;
  return known;
}

/** How many namespaces' bindings are indexed at a time; the index of one is made in microseconds. */
const namespacesMax = 1_000;

/**
 * Which rules apply to a user. Indexes are made from what the watch cache holds and are kept for as long as it holds the same objects: it says when
 * any has changed, and objects are never changed in place, so comparing references is enough to know whether it was one of these.
 */
export class RuleResolver {
  readonly #cluster: ClusterReader;
  #clusterIndex: BindingIndex | undefined;
  readonly #namespaceIndexes = new Map<string, BindingIndex>();
  #aggregated: { readonly all: readonly ClusterRole[]; readonly asOf: number | undefined; readonly rules: Map<string, readonly PolicyRule[]> } | undefined;

  constructor(cluster: ClusterReader) {
    this.#cluster = cluster;
  }

  /**
   * Each rule that applies, with a text that says why ("ClusterRoleBinding "x" of ClusterRole "y" to Group "z""), cluster-wide ones first.
   * A binding to a role that does not exist yields an error instead.
   */
  *rulesFor(user: UserInfo, namespace: string): Generator<{ readonly rule: PolicyRule; readonly source: () => string } | { readonly error: Error }> {
    yield* this.#rulesOf(this.#clusterBindings().of(user), "");
    if (namespace !== "") yield* this.#rulesOf(this.#bindingsIn(namespace).of(user), namespace);
  }

  /** @throws {StatusError} NotFound when the role does not exist. */
  rulesOfReference({ kind, name }: RoleRef, namespace: string, options: { readonly plural: boolean } = { plural: true }): readonly PolicyRule[] {
    if (kind === "Role") {
      const role = this.#cluster.get(roles, namespace, name);
      if (!role) throw notFoundError({ group, resource: options.plural ? "roles" : "role" }, name);
      return role.rules ?? [];
    }
    if (kind !== "ClusterRole") throw new Error(`unsupported role reference kind: ${JSON.stringify(kind)}`);
    const role = this.#cluster.get(clusterroles, "", name);
    if (!role) throw notFoundError({ group, resource: options.plural ? "clusterroles" : "clusterrole" }, name);
    return isAggregated(role) ? this.#aggregatedRules(role) : role.rules ?? [];
  }

  *#rulesOf(bounds: Iterable<Bound>, namespace: string): Generator<{ readonly rule: PolicyRule; readonly source: () => string } | { readonly error: Error }> {
    for (const bound of bounds) {
      let rules: readonly PolicyRule[];
      try {
        rules = this.rulesOfReference(bound.binding.roleRef, namespace, { plural: false });
      } catch (error) {
        yield { error: error instanceof Error ? error : new Error(String(error)) };
        continue;
      }
      for (const rule of rules) yield { rule, source: () => describe(bound) };
    }
  }

  #clusterBindings(): BindingIndex {
    const asOf = this.#cluster.lastChange?.(clusterrolebindings);
    return (this.#clusterIndex = current(this.#clusterIndex, "", asOf, () => this.#cluster.list(clusterrolebindings)));
  }

  #bindingsIn(namespace: string): BindingIndex {
    const asOf = this.#cluster.lastChange?.(rolebindings);
    const known = this.#namespaceIndexes.get(namespace);
    const index = current(known, namespace, asOf, () => this.#cluster.list(rolebindings, namespace));
    if (index === known) return known;
    if (this.#namespaceIndexes.size >= namespacesMax) this.#namespaceIndexes.clear();
    this.#namespaceIndexes.set(namespace, index);
    return index;
  }

  /** What the aggregation controller would write into the role: taken from the present roles, so that it is never late. */
  #aggregatedRules(role: ClusterRole): readonly PolicyRule[] {
    const asOf = this.#cluster.lastChange?.(clusterroles);
    if (!this.#aggregated || asOf === undefined || this.#aggregated.asOf !== asOf) {
      const all = this.#cluster.list(clusterroles);
      this.#aggregated = { all, asOf, rules: this.#aggregated && same(this.#aggregated.all, all) ? this.#aggregated.rules : new Map() };
    }
    const { all, rules: gathered } = this.#aggregated;
    const name = role.metadata.name ?? "";
    const known = gathered.get(name);
    if (known) return known;
    const rules = aggregatedRules(role, all);
    gathered.set(name, rules);
    return rules;
  }
}

function describe({ binding, subject }: Bound): string {
  const { name = "", namespace = "" } = binding.metadata;
  const bindingText = binding.kind === "ClusterRoleBinding" ? JSON.stringify(name) : JSON.stringify(`${name}/${namespace}`);
  const subjectNamespace = subject.namespace ?? "";
  const subjectText = subject.kind === "ServiceAccount" ? `${subject.name}/${subjectNamespace === "" ? namespace : subjectNamespace}` : subject.name;
  return `${binding.kind} ${bindingText} of ${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)} to ${subject.kind} ${JSON.stringify(subjectText)}`;
}

/** Several errors as one text, as upstream prints them: one as it is, more in brackets, none twice. */
export function errorsText(errors: readonly Error[]): string {
  const texts = [...new Set(errors.map(({ message }) => message))];
  return texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
}

/** Role-based access control (rbac.authorization.k8s.io): whatever no rule grants is left to others to allow. */
export class RbacAuthorizer implements Authorizer {
  readonly #resolver: RuleResolver;

  constructor(resolver: RuleResolver) {
    this.#resolver = resolver;
  }

  authorize(attributes: Attributes): Decision {
    const errors: Error[] = [];
    for (const found of this.#resolver.rulesFor(attributes.user, attributes.namespace)) {
      if ("error" in found) errors.push(found.error);
      else if (ruleAllows(found.rule, attributes)) return { decision: "allow", reason: `RBAC: allowed by ${found.source()}` };
    }
    return { decision: "noOpinion", reason: errors.length === 0 ? "" : `RBAC: ${errorsText(errors)}` };
  }
}
