import { forbidden, invalid, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { splitApiVersion, type KubeObject, type ObjectMeta, type OwnerReference } from "../../apimachinery/object.ts";
import { pathSegmentName } from "../../api/names.ts";
import type { Resource } from "../../api/resource.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { equal } from "../../stdx/equal.ts";
import { dns1123LabelErrors, labelValueErrors, qualifiedNameErrors } from "../../apimachinery/validation.ts";
import { addAll } from "../../stdx/add-all.ts";

/** All keys and values of an object's annotations together. */
const annotationBytesMax = 256 * 1024;
const fieldManagerBytesMax = 128;
const subresourceBytesMax = 256;
export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";
const knownFinalizers: readonly string[] = ["kubernetes", orphanFinalizer, foregroundFinalizer];

/** Go's `%#v` of a list of strings. */
const goStrings = (values: readonly string[]): string => `[]string{${values.map((value) => JSON.stringify(value)).join(", ")}}`;

/** Everything that is wrong with a new object, its metadata included. */
export function creationErrors(object: KubeObject, resource: Pick<Resource, "type" | "validateName" | "anyFinalizer" | "metadataRules" | "validate">): readonly FieldError[] {
  if (resource.metadataRules === "first") return [...metadataErrors(object.metadata, resource), ...resource.validate(object)];
  const errors = [...resource.validate(object)];
  return errors.length > 0 ? errors : metadataErrors(object.metadata, { ...resource, anyFinalizer: true, validateName: pathSegmentName });
}

/** The rules for metadata that all kinds share. */
export function metadataErrors(metadata: ObjectMeta, resource: Pick<Resource, "type" | "validateName" | "anyFinalizer">): readonly FieldError[] {
  const { name = "", generateName = "", namespace = "" } = metadata;
  const errors: FieldError[] = [];
  if (generateName !== "") for (const problem of resource.validateName(generateName, { prefix: true })) errors.push(invalid("metadata.generateName", generateName, problem));
  if (name === "") errors.push(required("metadata.name", "name or generateName is required"));
  else for (const problem of resource.validateName(name, { prefix: false })) errors.push(invalid("metadata.name", name, problem));

  if (resource.type.namespaced) {
    if (namespace === "") errors.push(required("metadata.namespace"));
    else for (const problem of dns1123LabelErrors(namespace)) errors.push(invalid("metadata.namespace", namespace, problem));
  } else if (namespace !== "") errors.push(forbidden("metadata.namespace", "not allowed on this type"));

  if ((metadata.generation ?? 0) < 0) errors.push(invalid("metadata.generation", metadata.generation, "must be greater than or equal to 0"));
  addAll(errors, labelErrors(metadata.labels ?? {}, "metadata.labels"));
  addAll(errors, annotationErrors(metadata.annotations ?? {}));
  addAll(errors, ownerErrors(metadata.ownerReferences ?? []));
  addAll(errors, finalizerErrors(metadata.finalizers ?? []));
  addAll(errors, managedFieldsErrors(metadata));
  if (!resource.anyFinalizer) addAll(errors, unknownFinalizerErrors(metadata.finalizers ?? []));
  return errors;
}

function unknownFinalizerErrors(finalizers: readonly string[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, finalizer] of finalizers.entries()) {
    if (!finalizer.includes("/") && !knownFinalizers.includes(finalizer)) {
      errors.push(invalid(`metadata.finalizers[${index}]`, finalizer, "name is neither a standard finalizer name nor is it fully qualified"));
    }
  }
  return errors;
}

export function metadataUpdateErrors(next: ObjectMeta, previous: ObjectMeta): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (previous.deletionTimestamp !== undefined) {
    const extra = (next.finalizers ?? []).filter((finalizer) => !previous.finalizers?.includes(finalizer)).sort();
    if (extra.length > 0) errors.push(forbidden("metadata.finalizers", `no new finalizers can be added if the object is being deleted, found new finalizers ${goStrings(extra)}`));
  }
  for (const field of ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    if (!equal(next[field], previous[field])) errors.push(invalid(`metadata.${field}`, next[field] ?? (field === "deletionTimestamp" || field === "deletionGracePeriodSeconds" ? null : ""), "field is immutable"));
  }
  return errors;
}

export function labelErrors(labels: Readonly<Record<string, string>>, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels)) {
    for (const problem of qualifiedNameErrors(key)) errors.push(invalid(field, key, problem));
    for (const problem of labelValueErrors(value)) errors.push(invalid(field, value, problem));
  }
  return errors;
}

function annotationErrors(annotations: Readonly<Record<string, string>>): readonly FieldError[] {
  let bytes = 0;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(annotations)) {
    for (const problem of qualifiedNameErrors(key.toLowerCase())) errors.push(invalid("metadata.annotations", key, problem));
    bytes += utf8Length(key) + utf8Length(value);
  }
  if (bytes > annotationBytesMax) errors.push(tooLong("metadata.annotations", annotationBytesMax));
  return errors;
}

function ownerErrors(references: readonly OwnerReference[]): readonly FieldError[] {
  const field = "metadata.ownerReferences";
  let controller = "";
  const errors: FieldError[] = [];
  for (const reference of references) {
    const { group, version } = splitApiVersion(reference.apiVersion ?? "");
    if (version === "") errors.push(invalid(`${field}.apiVersion`, reference.apiVersion ?? "", "version must not be empty"));
    for (const key of ["kind", "name", "uid"] as const) if ((reference[key] ?? "") === "") errors.push(invalid(`${field}.${key}`, "", "must not be empty"));
    if (group === "" && version === "v1" && reference.kind === "Event") errors.push(invalid(field, reference, "/v1, Kind=Event is disallowed from being an owner"));
    if (reference.controller !== true) continue;
    const own = `${reference.kind}/${reference.name}`;
    if (controller !== "") {
      errors.push(invalid(field, references, `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${own}`));
    } else controller = own;
  }
  return errors;
}

function finalizerErrors(finalizers: readonly string[]): readonly FieldError[] {
  const field = "metadata.finalizers";
  const errors: FieldError[] = [];
  for (const finalizer of finalizers) {
    for (const problem of qualifiedNameErrors(finalizer)) errors.push(invalid(field, finalizer, problem));
  }
  if (finalizers.includes(orphanFinalizer) && finalizers.includes(foregroundFinalizer)) {
    errors.push(invalid(field, finalizers, `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`));
  }
  return errors;
}

function managedFieldsErrors({ managedFields = [] }: ObjectMeta): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { operation = "", fieldsType = "", manager = "", subresource = "" }] of managedFields.entries()) {
    const field = `metadata.managedFields[${index}]`;
    if (operation !== "Apply" && operation !== "Update") errors.push(invalid(`${field}.operation`, operation, "must be `Apply` or `Update`"));
    if (fieldsType !== "" && fieldsType !== "FieldsV1") errors.push(invalid(`${field}.fieldsType`, fieldsType, "must be `FieldsV1`"));
    addAll(errors, fieldManagerErrors(manager, `${field}.manager`));
    if (utf8Length(subresource) > subresourceBytesMax) errors.push(tooLong(`${field}.subresource`, subresourceBytesMax));
  }
  return errors;
}

export function fieldManagerErrors(manager: string, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (utf8Length(manager) > fieldManagerBytesMax) errors.push(tooLong(field, fieldManagerBytesMax));
  let at = 0;
  for (const character of manager) {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) {
      const code = character.codePointAt(0) ?? 0;
      errors.push(invalid(field, manager, `invalid character U+${code.toString(16).toUpperCase().padStart(4, "0")} (at position ${at})`));
    }
    at += utf8Length(character);
  }
  return errors;
}
