import type { Attributes, Authorizer, ClusterReader, Decision } from "../access.ts";
import { defaultClusterRoles } from "../bootstrap/cluster-roles.ts";
import { NodeAuthorizer } from "./node.ts";
import { RbacAuthorizer, RuleResolver } from "./rbac.ts";

/** Members may do everything, always: nothing in the cluster can lock them out. */
export const superusersGroup = "system:masters";

const superusers: Authorizer = {
  authorize: ({ user }) => ({ decision: user.groups.includes(superusersGroup) ? "allow" : "noOpinion", reason: "" }),
};

/** Asks one after the other until one decides; when none does, the answer carries all of their reasons, a line each. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    async authorize(attributes: Attributes): Promise<Decision> {
      const reasons: string[] = [];
      for (const each of authorizers) {
        const answer = each.authorize(attributes);
        const decision = answer instanceof Promise ? await answer : answer;
        if (decision.decision !== "noOpinion") return decision;
        if (decision.reason !== "") reasons.push(decision.reason);
      }
      return { decision: "noOpinion", reason: reasons.join("\n") };
    },
  };
}

export interface ClusterAuthorizer {
  readonly authorizer: Authorizer;
  readonly resolver: RuleResolver;
}

/** Authorization modes Node and RBAC, as upstream's control plane is set up: superusers first. */
export function clusterAuthorizer(cluster: ClusterReader): ClusterAuthorizer {
  const resolver = new RuleResolver(cluster);
  const nodeRules = defaultClusterRoles.find(({ name }) => name === "system:node")?.rules ?? [];
  return { resolver, authorizer: unionAuthorizer([superusers, new NodeAuthorizer(cluster, nodeRules), new RbacAuthorizer(resolver)]) };
}
