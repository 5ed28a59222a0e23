import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { dns1123SubdomainErrors } from "../../apimachinery/validation.ts";
import { defineResource, type Resource } from "../../api/resource.ts";

interface WithStatus extends KubeObject {
  readonly status?: unknown;
}

const withStatusOf = (next: KubeObject, previous: KubeObject): KubeObject => {
  const { status: _, ...rest } = next as WithStatus;
  const { status } = previous as WithStatus;
  return status === undefined ? rest : ({ ...rest, status } as KubeObject);
};

/** A kind about which only the facts are known: status is kept apart where the facts have it, and nothing else is checked. */
export function fallbackResource(type: ResourceType): Resource {
  const hasStatus = "status" in type.subresources;
  return defineResource(type, {
    validateName: (name, { prefix }) => dns1123SubdomainErrors(prefix && name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name),
    generation: hasStatus,
    anyFinalizer: true,
    ...(hasStatus && {
      prepareForCreate: (object: KubeObject) => {
        const { status: _, ...rest } = object as WithStatus;
        return rest;
      },
      prepareForUpdate: withStatusOf,
      subresources: {
        status: {
          prepareForUpdate: (next: KubeObject, previous: KubeObject) => {
            const { status } = next as WithStatus;
            const { status: _, ...rest } = previous as WithStatus;
            return { ...rest, metadata: next.metadata, ...(status !== undefined && { status }) } as KubeObject;
          },
          validateUpdate: () => [],
        },
      },
    }),
  });
}
