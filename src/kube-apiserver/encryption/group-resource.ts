/** A resource as configurations name it: "secrets", "deployments.apps", with "*" for all. */
export interface GroupResource {
  readonly resource: string;
  readonly group: string;
}

export function parseGroupResource(text: string): GroupResource {
  const dot = text.indexOf(".");
  return dot < 0 ? { resource: text, group: "" } : { resource: text.slice(0, dot), group: text.slice(dot + 1) };
}

/** "deployments.apps"; "*." for all of the core group. */
export const groupResourceText = ({ resource, group }: GroupResource): string => (group !== "" ? `${resource}.${group}` : resource === "*" ? "*." : resource);

/** The names under which a rule for a resource may stand, the closest first. */
export const matchingRules = ({ resource, group }: GroupResource): readonly string[] => [groupResourceText({ resource, group }), groupResourceText({ resource: "*", group }), "*.*"];
