import type { ResourceType } from "../../apimachinery/object.ts";

/** Everything that is stored lies under it. */
export const storageRoot = "/registry/";

/** Groups of upstream's own, whose resources lie directly under the root. All others lie under their group, as custom resources do. */
const builtInGroups: ReadonlySet<string> = new Set([
  "", "admissionregistration.k8s.io", "apps", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io",
  "events.k8s.io", "extensions", "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io", "resource.k8s.io",
  "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
]);

/** Names from before resources had their present ones (upstream's `SpecialDefaultResourcePrefixes`). */
const special: Readonly<Record<string, string>> = {
  "/replicationcontrollers": "controllers", "/endpoints": "services/endpoints", "/nodes": "minions", "/services": "services/specs",
  "extensions/ingresses": "ingress", "networking.k8s.io/ingresses": "ingress",
};

const prefixes = new Map<string, Map<string, string>>();

/** "/registry/pods/": everything of one resource lies under it, as upstream lays it out, so that either can be started on what the other has stored. */
export function prefixOf({ group, plural }: Pick<ResourceType, "group" | "plural">): string {
  let ofGroup = prefixes.get(group);
  if (!ofGroup) prefixes.set(group, (ofGroup = new Map()));
  let prefix = ofGroup.get(plural);
  if (prefix === undefined) ofGroup.set(plural, (prefix = `${storageRoot}${special[`${group}/${plural}`] ?? (builtInGroups.has(group) ? plural : `${group}/${plural}`)}/`));
  return prefix;
}

/** The one of the known prefixes under which a key lies: it has one part more than the root, or two. */
export function prefixInKey(key: string, known: { has(prefix: string): boolean }): string | undefined {
  const first = key.indexOf("/", storageRoot.length) + 1;
  const short = key.slice(0, first);
  if (known.has(short)) return short;
  const long = key.slice(0, key.indexOf("/", first) + 1);
  return known.has(long) ? long : undefined;
}
