import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity } from "../../apimachinery/quantity.ts";
import { annotationsErrors, dns1123LabelErrors, dns1123SubdomainErrors, labelsErrors, labelSelectorErrors } from "../../apimachinery/validation.ts";
import type { PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate, TypedLocalObjectReference, TypedObjectReference } from "../generated/core-v1.ts";
import { absent, invalidEach, onlyLabelsAndAnnotations } from "../checks.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validateAmount } from "./pod-spec/validation-resources.ts";

export const accessModes: readonly string[] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
export const volumeModes: readonly string[] = ["Block", "Filesystem"];

/** What was stored before there was a rule stays. */
interface ClaimRules { readonly allowAnyGroup: boolean }

function validateReference(reference: TypedLocalObjectReference | TypedObjectReference, path: string, { allowAnyGroup }: ClaimRules): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(reference.name)) errors.push(required(`${path}.name`));
  if (absent(reference.kind)) errors.push(required(`${path}.kind`));
  if (absent(reference.apiGroup)) {
    if (reference.kind !== "PersistentVolumeClaim") errors.push(invalid(path, reference.kind ?? "", "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  } else if (!allowAnyGroup) {
    addAll(errors, invalidEach(`${path}.apiGroup`, reference.apiGroup, dns1123SubdomainErrors(reference.apiGroup)));
  }
  if ("namespace" in reference && !absent(reference.namespace)) addAll(errors, invalidEach(`${path}.namespace`, reference.namespace, dns1123LabelErrors(reference.namespace)));
  return errors;
}

/** Modes of access: known ones, and the one that excludes all others alone. */
export function validateAccessModes(modes: readonly string[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const mode of modes) if (!accessModes.includes(mode)) errors.push(notSupported(path, mode, accessModes));
  if (modes.includes("ReadWriteOncePod") && modes.some((mode) => mode !== "ReadWriteOncePod" && accessModes.includes(mode))) {
    errors.push(forbidden(path, "may not use ReadWriteOncePod with other access modes"));
  }
  return errors;
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string, rules: ClaimRules = { allowAnyGroup: false }): readonly FieldError[] {
  const { accessModes: modes = [], resources, storageClassName, volumeMode, dataSource, dataSourceRef, volumeAttributesClassName } = spec;
  const errors: FieldError[] = [];
  if (modes.length === 0) errors.push(required(`${path}.accessModes`, "at least 1 access mode is required"));
  addAll(errors, labelSelectorErrors(`${path}.selector`, spec.selector));
  addAll(errors, validateAccessModes(modes, `${path}.accessModes`));

  const storage = resources?.requests?.["storage"];
  const at = `${path}.resources[storage]`;
  if (storage === undefined) errors.push(required(at));
  else if (isQuantity(`${storage}`) && compareQuantities(storage, "0") <= 0) errors.push(invalid(at, storage, "must be greater than zero"));
  else addAll(errors, validateAmount("storage", storage, at));

  if (!absent(storageClassName)) addAll(errors, invalidEach(`${path}.storageClassName`, storageClassName, dns1123SubdomainErrors(storageClassName)));
  if (volumeMode !== undefined && volumeMode !== null && !volumeModes.includes(volumeMode)) errors.push(notSupported(`${path}.volumeMode`, volumeMode, volumeModes));
  if (dataSource) addAll(errors, validateReference(dataSource, `${path}.dataSource`, rules));
  if (dataSourceRef) addAll(errors, validateReference(dataSourceRef, `${path}.dataSourceRef`, rules));
  if (dataSource && dataSourceRef) {
    if (!absent(dataSourceRef.namespace)) errors.push(invalid(path, {}, "may not be specified when dataSourceRef.namespace is specified"));
    else if (dataSource.apiGroup !== dataSourceRef.apiGroup || dataSource.kind !== dataSourceRef.kind || dataSource.name !== dataSourceRef.name) {
      errors.push(invalid(path, {}, "must match dataSourceRef"));
    }
  }
  if (!absent(volumeAttributesClassName)) addAll(errors, invalidEach(`${path}.volumeAttributesClassName`, volumeAttributesClassName, dns1123SubdomainErrors(volumeAttributesClassName)));
  return errors;
}

/** Templates say what the claim is to be; its name and the rest of its metadata are not theirs. */
export function validateClaimTemplate({ metadata = {}, spec }: PersistentVolumeClaimTemplate, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, annotationsErrors(`${path}.metadata.annotations`, metadata.annotations));
  addAll(errors, labelsErrors(`${path}.metadata.labels`, metadata.labels));
  addAll(errors, onlyLabelsAndAnnotations(`${path}.metadata`, metadata));
  addAll(errors, validateClaimSpec(spec ?? {}, `${path}.spec`));
  return errors;
}
