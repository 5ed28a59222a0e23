import { forbidden, invalid, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { splitApiVersion, type ObjectMeta, type OwnerReference } from "../../apimachinery/object.ts";
import type { Resource } from "../../api/resource.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { equal } from "../../stdx/equal.ts";
import { dns1123LabelErrors, labelValueErrors, qualifiedNameErrors } from "../../apimachinery/validation.ts";

/** All keys and values of an object's annotations together. */
const annotationBytesMax = 256 * 1024;
const fieldManagerBytesMax = 128;
const subresourceBytesMax = 256;
export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";
const knownFinalizers: readonly string[] = ["kubernetes", orphanFinalizer, foregroundFinalizer];

/** Go's `%#v` of a list of strings. */
const goStrings = (values: readonly string[]): string => `[]string{${values.map((value) => JSON.stringify(value)).join(", ")}}`;

/** The rules for metadata that all kinds share. */
export function* metadataErrors(metadata: ObjectMeta, resource: Pick<Resource, "type" | "validateName" | "anyFinalizer">): Generator<FieldError> {
  const { name = "", generateName = "", namespace = "" } = metadata;
  if (generateName !== "") for (const problem of resource.validateName(generateName, { prefix: true })) yield invalid("metadata.generateName", generateName, problem);
  if (name === "") yield required("metadata.name", "name or generateName is required");
  else for (const problem of resource.validateName(name, { prefix: false })) yield invalid("metadata.name", name, problem);

  if (resource.type.namespaced) {
    if (namespace === "") yield required("metadata.namespace");
    else for (const problem of dns1123LabelErrors(namespace)) yield invalid("metadata.namespace", namespace, problem);
  } else if (namespace !== "") yield forbidden("metadata.namespace", "not allowed on this type");

  if ((metadata.generation ?? 0) < 0) yield invalid("metadata.generation", metadata.generation, "must be greater than or equal to 0");
  yield* labelErrors(metadata.labels ?? {}, "metadata.labels");
  yield* annotationErrors(metadata.annotations ?? {});
  yield* ownerErrors(metadata.ownerReferences ?? []);
  yield* finalizerErrors(metadata.finalizers ?? []);
  yield* managedFieldsErrors(metadata);
  if (!resource.anyFinalizer) yield* unknownFinalizerErrors(metadata.finalizers ?? []);
}

function* unknownFinalizerErrors(finalizers: readonly string[]): Generator<FieldError> {
  for (const [index, finalizer] of finalizers.entries()) {
    if (!finalizer.includes("/") && !knownFinalizers.includes(finalizer)) {
      yield invalid(`metadata.finalizers[${index}]`, finalizer, "name is neither a standard finalizer name nor is it fully qualified");
    }
  }
}

export function* metadataUpdateErrors(next: ObjectMeta, previous: ObjectMeta): Generator<FieldError> {
  if (previous.deletionTimestamp !== undefined) {
    const extra = (next.finalizers ?? []).filter((finalizer) => !previous.finalizers?.includes(finalizer)).sort();
    if (extra.length > 0) yield forbidden("metadata.finalizers", `no new finalizers can be added if the object is being deleted, found new finalizers ${goStrings(extra)}`);
  }
  for (const field of ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    if (!equal(next[field], previous[field])) yield invalid(`metadata.${field}`, next[field] ?? (field === "deletionTimestamp" || field === "deletionGracePeriodSeconds" ? null : ""), "field is immutable");
  }
}

export function* labelErrors(labels: Readonly<Record<string, string>>, field: string): Generator<FieldError> {
  for (const [key, value] of Object.entries(labels)) {
    for (const problem of qualifiedNameErrors(key)) yield invalid(field, key, problem);
    for (const problem of labelValueErrors(value)) yield invalid(field, value, problem);
  }
}

function* annotationErrors(annotations: Readonly<Record<string, string>>): Generator<FieldError> {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    for (const problem of qualifiedNameErrors(key.toLowerCase())) yield invalid("metadata.annotations", key, problem);
    bytes += utf8Length(key) + utf8Length(value);
  }
  if (bytes > annotationBytesMax) yield tooLong("metadata.annotations", annotationBytesMax);
}

function* ownerErrors(references: readonly OwnerReference[]): Generator<FieldError> {
  const field = "metadata.ownerReferences";
  let controller = "";
  for (const reference of references) {
    const { group, version } = splitApiVersion(reference.apiVersion ?? "");
    if (version === "") yield invalid(`${field}.apiVersion`, reference.apiVersion ?? "", "version must not be empty");
    for (const key of ["kind", "name", "uid"] as const) if ((reference[key] ?? "") === "") yield invalid(`${field}.${key}`, "", "must not be empty");
    if (group === "" && version === "v1" && reference.kind === "Event") yield invalid(field, reference, "/v1, Kind=Event is disallowed from being an owner");
    if (reference.controller !== true) continue;
    const own = `${reference.kind}/${reference.name}`;
    if (controller !== "") {
      yield invalid(field, references, `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${own}`);
    } else controller = own;
  }
}

function* finalizerErrors(finalizers: readonly string[]): Generator<FieldError> {
  const field = "metadata.finalizers";
  for (const finalizer of finalizers) {
    for (const problem of qualifiedNameErrors(finalizer)) yield invalid(field, finalizer, problem);
  }
  if (finalizers.includes(orphanFinalizer) && finalizers.includes(foregroundFinalizer)) {
    yield invalid(field, finalizers, `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`);
  }
}

function* managedFieldsErrors({ managedFields = [] }: ObjectMeta): Generator<FieldError> {
  for (const [index, { operation = "", fieldsType = "", manager = "", subresource = "" }] of managedFields.entries()) {
    const field = `metadata.managedFields[${index}]`;
    if (operation !== "Apply" && operation !== "Update") yield invalid(`${field}.operation`, operation, "must be `Apply` or `Update`");
    if (fieldsType !== "" && fieldsType !== "FieldsV1") yield invalid(`${field}.fieldsType`, fieldsType, "must be `FieldsV1`");
    yield* fieldManagerErrors(manager, `${field}.manager`);
    if (utf8Length(subresource) > subresourceBytesMax) yield tooLong(`${field}.subresource`, subresourceBytesMax);
  }
}

export function* fieldManagerErrors(manager: string, field: string): Generator<FieldError> {
  if (utf8Length(manager) > fieldManagerBytesMax) yield tooLong(field, fieldManagerBytesMax);
  let at = 0;
  for (const character of manager) {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) {
      const code = character.codePointAt(0) ?? 0;
      yield invalid(field, manager, `invalid character U+${code.toString(16).toUpperCase().padStart(4, "0")} (at position ${at})`);
    }
    at += utf8Length(character);
  }
}
