import { forbidden, invalid, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { configMapKeyErrors } from "../../apimachinery/validation.ts";
import { base64Length, utf8Length } from "../../stdx/bytes.ts";
import { equal } from "../../stdx/equal.ts";
import { invalidEach } from "../checks.ts";
import { configmaps, type ConfigMap } from "../generated/core-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

/** A value of the store takes about this much. */
const dataBytesMax = 1024 * 1024;
const immutableMessage = "field is immutable when `immutable` is set";

export const configMapResource = defineResource<ConfigMap>(configmaps, {
  validateName: dnsSubdomainName,
  validate,
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    if (previous.immutable === true) {
      if (next.immutable !== true) errors.push(forbidden("immutable", immutableMessage));
      for (const field of ["data", "binaryData"] as const) if (!equal(next[field] ?? {}, previous[field] ?? {})) errors.push(forbidden(field, immutableMessage));
    }
    addAll(errors, validate(next));
    return errors;
  },
  columns: [nameColumn, text("Data", ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length), ageColumn],
});

function validate({ data = {}, binaryData = {} }: ConfigMap): readonly FieldError[] {
  let bytes = 0;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(data)) {
    addAll(errors, invalidEach(`data[${key}]`, key, configMapKeyErrors(key)));
    if (key in binaryData) errors.push(invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
    bytes += utf8Length(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    addAll(errors, invalidEach(`binaryData[${key}]`, key, configMapKeyErrors(key)));
    bytes += base64Length(value);
  }
  // Upstream writes the path of the whole object so.
  if (bytes > dataBytesMax) errors.push(tooLong("[]", dataBytesMax));
  return errors;
}
