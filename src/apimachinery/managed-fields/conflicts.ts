import { StatusError } from "../status-error.ts";
import { hasPath, pathText, type FieldPath, type FieldSet } from "./field-set.ts";
import { ownerId, type FieldOwner } from "./managers.ts";

/** What somebody else owns and an apply would change. */
export interface Conflict {
  readonly owner: FieldOwner;
  readonly paths: readonly FieldPath[];
}

export class ConflictsError extends Error {
  readonly conflicts: readonly Conflict[];
  constructor(conflicts: readonly Conflict[]) {
    super("conflicts");
    this.conflicts = conflicts;
  }
}

/** The conflicts without the paths of a set. */
export const conflictsWithout = (conflicts: readonly Conflict[], allowed: FieldSet): readonly Conflict[] =>
  conflicts.map(({ owner, paths }) => ({ owner, paths: paths.filter((path) => !hasPath(allowed, path)) })).filter(({ paths }) => paths.length > 0);

function managerText({ manager, operation, apiVersion, subresource }: FieldOwner): string {
  const name = `${JSON.stringify(manager)}${subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}

/** What the client hears: Conflict, with one cause per field. */
export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const ordered = conflicts.toSorted((a, b) => (ownerId(a.owner) < ownerId(b.owner) ? -1 : 1));
  const all = ordered.flatMap(({ owner, paths }) => paths.map((path) => ({ owner, path })));
  const [only] = all;
  const message = all.length === 1 && only
    ? `Apply failed with 1 conflict: conflict with ${managerText(only.owner)}: ${pathText(only.path)}`
    : `Apply failed with ${all.length} conflicts: ${ordered.map(({ owner, paths }) => [`conflicts with ${managerText(owner)}:`, ...paths.map((path) => `- ${pathText(path)}`)].join("\n")).join("\n")}`;
  return new StatusError("Conflict", message, {
    details: { causes: all.map(({ owner, path }) => ({ reason: "FieldManagerConflict", message: `conflict with ${managerText(owner)}`, field: pathText(path) })) },
  });
}
