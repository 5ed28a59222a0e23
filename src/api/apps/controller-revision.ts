import { required, type FieldError } from "../../apimachinery/field-error.ts";
import { atLeastZero, immutable } from "../checks.ts";
import { controllerOf, splitApiVersion } from "../../apimachinery/object.ts";
import { controllerrevisions, type ControllerRevision } from "../generated/apps-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

function controllerText(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (owner === undefined) return "<none>";
  const { group } = splitApiVersion(owner.apiVersion);
  return `${(group === "" ? owner.kind : `${owner.kind}.${group}`).toLowerCase()}/${owner.name}`;
}

export const controllerRevisionResource = defineResource<ControllerRevision>(controllerrevisions, {
  validateName: dnsSubdomainName,
  validate({ revision, data }): readonly FieldError[] {
    const errors: FieldError[] = [];
    addAll(errors, atLeastZero("revision", revision));
    if (data === undefined || data === null) errors.push(required("data", "data is mandatory"));
    else if (typeof data !== "object" || Array.isArray(data)) errors.push(required("data", "data must be a valid JSON object"));
    return errors;
  },
  validateUpdate(next, previous): readonly FieldError[] {
    const errors: FieldError[] = [];
    addAll(errors, atLeastZero("revision", next.revision));
    addAll(errors, immutable("data", next.data, previous.data));
    return errors;
  },
  columns: [nameColumn, text("Controller", controllerText), text("Revision", ({ revision }) => revision), ageColumn],
});
