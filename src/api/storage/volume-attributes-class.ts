import { forbidden, type FieldError } from "../../apimachinery/field-error.ts";
import { volumeattributesclasses, type VolumeAttributesClass } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validateParameters, validateProvisioner } from "./parameters.ts";

function validate({ driverName, parameters }: VolumeAttributesClass): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateProvisioner(driverName, "driverName"));
  addAll(errors, validateParameters(parameters, "parameters", { mayBeEmpty: false }));
  return errors;
}

export const volumeAttributesClassResource = defineResource<VolumeAttributesClass>(volumeattributesclasses, {
  validateName: dnsSubdomainName,
  validate,
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    if (next.driverName !== previous.driverName) errors.push(forbidden("driverName", "updates to driverName are forbidden."));
    if (!semanticallyEqual(next.parameters, previous.parameters)) errors.push(forbidden("parameters", "updates to parameters are forbidden."));
    addAll(errors, validate(next));
    return errors;
  },
  columns: [nameColumn, text("DriverName", ({ driverName }) => driverName), ageColumn],
});
