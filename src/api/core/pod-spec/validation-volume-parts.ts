import { invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors } from "../../../apimachinery/validation.ts";
import type { DownwardAPIVolumeFile, KeyToPath } from "../../generated/core-v1.ts";
import { absent, fileMode, invalidEach, localNonReservedPath, noBacksteps } from "../../checks.ts";
import { addAll } from "../../../stdx/add-all.ts";
import { fileFields, validateFieldRef, validateResourceFieldRef } from "./field-selectors.ts";

/** What several sources of volumes, and persistent volumes, have in common. */

const hostPathTypes: readonly string[] = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

export function validateKeyToPath({ key, path: file = "", mode }: KeyToPath, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(key)) errors.push(required(`${path}.key`));
  if (file === "") errors.push(required(`${path}.path`));
  addAll(errors, localNonReservedPath(`${path}.path`, file));
  addAll(errors, fileMode(`${path}.mode`, mode));
  return errors;
}

export function validateDownwardFile(file: DownwardAPIVolumeFile, path: string): readonly FieldError[] {
  const { fieldRef, resourceFieldRef } = file;
  const errors: FieldError[] = [];
  if (absent(file.path)) errors.push(required(`${path}.path`));
  addAll(errors, localNonReservedPath(`${path}.path`, file.path ?? ""));
  if (fieldRef) {
    addAll(errors, validateFieldRef(fieldRef, fileFields, `${path}.fieldRef`));
    if (resourceFieldRef) errors.push(invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
  } else if (resourceFieldRef) {
    addAll(errors, validateResourceFieldRef(resourceFieldRef, `${path}.resourceFieldRef`, { inVolume: true }));
  } else {
    errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
  }
  addAll(errors, fileMode(`${path}.mode`, file.mode));
  return errors;
}

export function validateHostPath(source: { readonly path?: string; readonly type?: string }, path: string): readonly FieldError[] {
  if (absent(source.path)) return [required(`${path}.path`)];
  const errors: FieldError[] = [];
  addAll(errors, noBacksteps(`${path}.path`, source.path));
  if (source.type !== undefined && source.type !== null && !hostPathTypes.includes(source.type)) errors.push(notSupported(`${path}.type`, source.type, hostPathTypes));
  return errors;
}

/** The driver's name: a caseless subdomain of at most 63 bytes. */
export function validateCsiDriverName(name: string | undefined, path: string): readonly FieldError[] {
  if (absent(name)) return [required(path)];
  const errors: FieldError[] = [];
  if (name.length > 63) errors.push({ reason: "FieldValueTooLong", field: path, message: "Too long: may not be more than 63 bytes" });
  addAll(errors, invalidEach(path, name, dns1123SubdomainErrors(name.toLowerCase())));
  return errors;
}

