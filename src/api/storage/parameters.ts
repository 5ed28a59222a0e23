import { invalid, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, qualifiedName } from "../checks.ts";

/** What classes of storage have in common: the driver they are for, and free parameters for it. */
const parametersMax = 512;
const parametersBytesMax = 256 * 1024;

export function* validateProvisioner(name: string | undefined, path: string): Generator<FieldError> {
  if (absent(name)) yield required(path);
  else yield* qualifiedName(path, name.toLowerCase());
}

export function* validateParameters(parameters: Readonly<Record<string, string>> = {}, path: string, options: { readonly mayBeEmpty: boolean }): Generator<FieldError> {
  const entries = Object.entries(parameters);
  if (entries.length > parametersMax) return yield tooLong(path, parametersMax);
  for (const [key] of entries) if (key === "") yield invalid(path, key, "field can not be empty.");
  const bytes = entries.reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value), 0);
  if (bytes > parametersBytesMax) yield tooLong(path, parametersBytesMax);
  if (!options.mayBeEmpty && entries.length === 0) yield required(path, "must contain at least one key/value pair");
}
