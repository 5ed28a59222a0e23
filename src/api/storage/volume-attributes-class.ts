import { forbidden, type FieldError } from "../../apimachinery/field-error.ts";
import { volumeattributesclasses, type VolumeAttributesClass } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { semanticallyEqual } from "../strategy.ts";
import { validateParameters, validateProvisioner } from "./parameters.ts";

function* validate({ driverName, parameters }: VolumeAttributesClass): Generator<FieldError> {
  yield* validateProvisioner(driverName, "driverName");
  yield* validateParameters(parameters, "parameters", { mayBeEmpty: false });
}

export const volumeAttributesClassResource = defineResource<VolumeAttributesClass>(volumeattributesclasses, {
  validateName: dnsSubdomainName,
  validate,
  *validateUpdate(next, previous) {
    if (next.driverName !== previous.driverName) yield forbidden("driverName", "updates to driverName are forbidden.");
    if (!semanticallyEqual(next.parameters, previous.parameters)) yield forbidden("parameters", "updates to parameters are forbidden.");
    yield* validate(next);
  },
  columns: [nameColumn, text("DriverName", ({ driverName }) => driverName), ageColumn],
});
