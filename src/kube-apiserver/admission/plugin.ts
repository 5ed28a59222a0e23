import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { forbiddenError, type StatusError } from "../../apimachinery/status-error.ts";
import type { AdmissionOperation, AdmissionPlugin, AdmissionRequest } from "../access.ts";

/** 403 of an admission plugin, in upstream's words: names that are yet to be generated are shown as what was given for them. */
export function refuse({ type, name, object }: AdmissionRequest, detail: string): StatusError {
  const { name: ownName = "", generateName = "" } = object?.metadata ?? {};
  const shown = [name, ownName, generateName, "Unknown"].find((each) => each !== "") ?? "";
  return forbiddenError({ group: type.group, resource: type.plural }, shown, detail);
}

export const isResource = (type: ResourceType, { group, plural }: Pick<ResourceType, "group" | "plural">): boolean => type.group === group && type.plural === plural;

/** `handles` of a plugin that looks at one resource itself (not at its subresources). */
export const handlesOnly = (wanted: Pick<ResourceType, "group" | "plural">, ...operations: readonly AdmissionOperation[]): AdmissionPlugin["handles"] =>
  (operation, type, subresource) => subresource === "" && isResource(type, wanted) && operations.includes(operation);

/**
 * A plugin that changes nothing but takes its turn among those that do: what it refuses, later ones are not asked about. Requests without an object
 * (deletions) are checked with the plugins that validate.
 */
export function checkInOrder(name: string, handles: AdmissionPlugin["handles"], check: (request: AdmissionRequest) => void | Promise<void>): AdmissionPlugin {
  return {
    name,
    handles,
    mutate(request): KubeObject | Promise<KubeObject> {
      const { object } = request;
      if (!object) throw new Error(`${name} was asked to change a request without an object`);
      const checked = check(request);
      return checked instanceof Promise ? checked.then(() => object) : object;
    },
    validate: (request) => (request.object ? undefined : check(request)),
  };
}
