import type { UserInfo } from "../access.ts";

const prefix = "system:node:";
export const nodesGroup = "system:nodes";

/**
 * The node that a user is: undefined for users that are not nodes, "" for one that claims to be a node without saying which.
 */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  if (!name.startsWith(prefix) || !groups.includes(nodesGroup)) return undefined;
  return name.slice(prefix.length);
}
