import type { Container, EphemeralContainer, PodSpec } from "../../generated/core-v1.ts";

export interface LocatedContainer { readonly container: Container | EphemeralContainer; readonly path: string }

/** All containers of a spec with their paths, in upstream's order: init, main, ephemeral. */
export function* allContainers(spec: PodSpec, path: string): Generator<LocatedContainer> {
  for (const field of ["initContainers", "containers", "ephemeralContainers"] as const) {
    for (const [index, container] of (spec[field] ?? []).entries()) yield { container, path: `${path}.${field}[${index}]` };
  }
}

export const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === "Always";
