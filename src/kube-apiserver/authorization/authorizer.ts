import { whenThere, type Soon } from "../../stdx/soon.ts";
import type { Attributes, Authorizer, ClusterReader, Decision } from "../access.ts";
import { defaultClusterRoles } from "../bootstrap/cluster-roles.ts";
import { NodeAuthorizer } from "./node.ts";
import { RbacAuthorizer, RuleResolver } from "./rbac.ts";

/** Members may do everything, always: nothing in the cluster can lock them out. */
export const superusersGroup = "system:masters";

const allowed: Decision = { decision: "allow", reason: "" };
const noOpinion: Decision = { decision: "noOpinion", reason: "" };
const superusers: Authorizer = { authorize: ({ user }) => (user.groups.includes(superusersGroup) ? allowed : noOpinion) };

/** Asks one after the other until one decides; when none does, the answer carries all of their reasons, a line each. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  const askFrom = (at: number, attributes: Attributes, before: string): Soon<Decision> => {
    const asked = authorizers[at];
    if (!asked) return { decision: "noOpinion", reason: before };
    return whenThere(asked.authorize(attributes), (decision) => {
      if (decision.decision !== "noOpinion") return decision;
      const reasons = before === "" || decision.reason === "" ? before + decision.reason : `${before}\n${decision.reason}`;
      return askFrom(at + 1, attributes, reasons);
    });
  };
  return { authorize: (attributes) => askFrom(0, attributes, "") };
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
