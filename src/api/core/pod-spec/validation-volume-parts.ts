import { invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors } from "../../../apimachinery/validation.ts";
import type { DownwardAPIVolumeFile, KeyToPath } from "../../generated/core-v1.ts";
import { absent, fileMode, invalidEach, localNonReservedPath, noBacksteps } from "../../checks.ts";
import { fileFields, validateFieldRef, validateResourceFieldRef } from "./field-selectors.ts";

/** What several sources of volumes, and persistent volumes, have in common. */

const hostPathTypes: readonly string[] = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

export function* validateKeyToPath({ key, path: file = "", mode }: KeyToPath, path: string): Generator<FieldError> {
  if (absent(key)) yield required(`${path}.key`);
  if (file === "") yield required(`${path}.path`);
  yield* localNonReservedPath(`${path}.path`, file);
  yield* fileMode(`${path}.mode`, mode);
}

export function* validateDownwardFile(file: DownwardAPIVolumeFile, path: string): Generator<FieldError> {
  const { fieldRef, resourceFieldRef } = file;
  if (absent(file.path)) yield required(`${path}.path`);
  yield* localNonReservedPath(`${path}.path`, file.path ?? "");
  if (fieldRef) {
    yield* validateFieldRef(fieldRef, fileFields, `${path}.fieldRef`);
    if (resourceFieldRef) yield invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
  } else if (resourceFieldRef) {
    yield* validateResourceFieldRef(resourceFieldRef, `${path}.resourceFieldRef`, { inVolume: true });
  } else {
    yield required(path, "one of fieldRef and resourceFieldRef is required");
  }
  yield* fileMode(`${path}.mode`, file.mode);
}

export function* validateHostPath(source: { readonly path?: string; readonly type?: string }, path: string): Generator<FieldError> {
  if (absent(source.path)) return yield required(`${path}.path`);
  yield* noBacksteps(`${path}.path`, source.path);
  if (source.type !== undefined && source.type !== null && !hostPathTypes.includes(source.type)) yield notSupported(`${path}.type`, source.type, hostPathTypes);
}

/** The driver's name: a caseless subdomain of at most 63 bytes. */
export function* validateCsiDriverName(name: string | undefined, path: string): Generator<FieldError> {
  if (absent(name)) return yield required(path);
  if (name.length > 63) yield { reason: "FieldValueTooLong", field: path, message: "Too long: may not be more than 63 bytes" };
  yield* invalidEach(path, name, dns1123SubdomainErrors(name.toLowerCase()));
}

