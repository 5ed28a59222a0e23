import { ipaddresses, type IPAddress } from "../generated/networking-v1.ts";
import { nameColumn, text } from "../printing/columns.ts";
import { goForm } from "../go-form.ts";
import { semanticallyEqual } from "../strategy.ts";
import { defineResource } from "../resource.ts";
import { ipErrors, pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { absent, dnsSubdomain, invalidEach } from "../checks.ts";
import { addAll } from "../../stdx/add-all.ts";

function parentText({ spec }: IPAddress): string {
  if (spec?.parentRef === undefined) return "<none>";
  const { group = "", resource = "", namespace = "", name } = spec.parentRef;
  const kind = (group === "" ? resource : `${resource}.${group}`).toLowerCase();
  return namespace === "" ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

export const ipAddressResource = defineResource<IPAddress>(ipaddresses, {
  // The text of the error without its value, which the registry adds.
  validateName: (name) => ipErrors("", name).map(({ message }) => message.slice(message.indexOf(": ", "Invalid value: ".length) + 2)),
  validate,
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validate(next));
    if (!semanticallyEqual(next.spec?.parentRef, previous.spec?.parentRef)) errors.push(invalid("spec.parentRef", goForm(next.spec?.parentRef, "*ParentReference"), "field is immutable"));
    return errors;
  },
  columns: [nameColumn, text("ParentRef", parentText)],
});

function validate({ spec }: IPAddress): readonly FieldError[] {
  if (!spec?.parentRef) return [required("spec.parentRef")];
  const { group, namespace } = spec.parentRef;
  const errors: FieldError[] = [];
  if (!absent(group)) addAll(errors, dnsSubdomain("spec.parentRef.group", group));
  for (const field of ["resource", "name"] as const) {
    const value = spec.parentRef[field];
    if (absent(value)) errors.push(required(`spec.parentRef.${field}`));
    else addAll(errors, invalidEach(`spec.parentRef.${field}`, value, pathSegmentNameErrors(value)));
  }
  if (!absent(namespace)) addAll(errors, invalidEach("spec.parentRef.namespace", namespace, pathSegmentNameErrors(namespace)));
  return errors;
}
