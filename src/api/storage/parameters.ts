import { invalid, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, qualifiedName } from "../checks.ts";
import { addAll } from "../../stdx/add-all.ts";

/** What classes of storage have in common: the driver they are for, and free parameters for it. */
const parametersMax = 512;
const parametersBytesMax = 256 * 1024;

export function validateProvisioner(name: string | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(name)) errors.push(required(path));
  else addAll(errors, qualifiedName(path, name.toLowerCase()));
  return errors;
}

export function validateParameters(parameters: Readonly<Record<string, string>> = {}, path: string, options: { readonly mayBeEmpty: boolean }): readonly FieldError[] {
  const entries = Object.entries(parameters);
  if (entries.length > parametersMax) return [tooLong(path, parametersMax)];
  const errors: FieldError[] = [];
  for (const [key] of entries) if (key === "") errors.push(invalid(path, key, "field can not be empty."));
  const bytes = entries.reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value), 0);
  if (bytes > parametersBytesMax) errors.push(tooLong(path, parametersBytesMax));
  if (!options.mayBeEmpty && entries.length === 0) errors.push(required(path, "must contain at least one key/value pair"));
  return errors;
}
