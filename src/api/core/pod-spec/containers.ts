import type { Container, EphemeralContainer, PodSpec } from "../../generated/core-v1.ts";

export interface LocatedContainer { readonly container: Container | EphemeralContainer; readonly path: string }

const fields = ["initContainers", "containers", "ephemeralContainers"] as const;
/** A dozen rules ask one after the other about one spec. */
let last: { readonly spec: PodSpec; readonly path: string; readonly containers: readonly LocatedContainer[] } | undefined;

/** All containers of a spec with their paths, in upstream's order: init, main, ephemeral. */
export function allContainers(spec: PodSpec, path: string): readonly LocatedContainer[] {
  if (last?.spec === spec && last.path === path) return last.containers;
  const containers = fields.flatMap((field) => (spec[field] ?? []).map((container, index) => ({ container, path: `${path}.${field}[${index}]` })));
  last = { spec, path, containers };
  return containers;
}

export const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === "Always";
