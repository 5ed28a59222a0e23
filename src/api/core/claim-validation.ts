import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity } from "../../apimachinery/quantity.ts";
import { annotationsErrors, dns1123LabelErrors, dns1123SubdomainErrors, labelsErrors, labelSelectorErrors } from "../../apimachinery/validation.ts";
import type { PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate, TypedLocalObjectReference, TypedObjectReference } from "../generated/core-v1.ts";
import { absent, invalidEach, onlyLabelsAndAnnotations } from "../checks.ts";
import { validateAmount } from "./pod-spec/validation-resources.ts";

export const accessModes: readonly string[] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
export const volumeModes: readonly string[] = ["Block", "Filesystem"];

/** What was stored before there was a rule stays. */
interface ClaimRules { readonly allowAnyGroup: boolean }

function* validateReference(reference: TypedLocalObjectReference | TypedObjectReference, path: string, { allowAnyGroup }: ClaimRules): Generator<FieldError> {
  if (absent(reference.name)) yield required(`${path}.name`);
  if (absent(reference.kind)) yield required(`${path}.kind`);
  if (absent(reference.apiGroup)) {
    if (reference.kind !== "PersistentVolumeClaim") yield invalid(path, reference.kind ?? "", "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  } else if (!allowAnyGroup) {
    yield* invalidEach(`${path}.apiGroup`, reference.apiGroup, dns1123SubdomainErrors(reference.apiGroup));
  }
  if ("namespace" in reference && !absent(reference.namespace)) yield* invalidEach(`${path}.namespace`, reference.namespace, dns1123LabelErrors(reference.namespace));
}

/** Modes of access: known ones, and the one that excludes all others alone. */
export function* validateAccessModes(modes: readonly string[], path: string): Generator<FieldError> {
  for (const mode of modes) if (!accessModes.includes(mode)) yield notSupported(path, mode, accessModes);
  if (modes.includes("ReadWriteOncePod") && modes.some((mode) => mode !== "ReadWriteOncePod" && accessModes.includes(mode))) {
    yield forbidden(path, "may not use ReadWriteOncePod with other access modes");
  }
}

export function* validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string, rules: ClaimRules = { allowAnyGroup: false }): Generator<FieldError> {
  const { accessModes: modes = [], resources, storageClassName, volumeMode, dataSource, dataSourceRef, volumeAttributesClassName } = spec;
  if (modes.length === 0) yield required(`${path}.accessModes`, "at least 1 access mode is required");
  yield* labelSelectorErrors(`${path}.selector`, spec.selector);
  yield* validateAccessModes(modes, `${path}.accessModes`);

  const storage = resources?.requests?.["storage"];
  const at = `${path}.resources[storage]`;
  if (storage === undefined) yield required(at);
  else if (isQuantity(`${storage}`) && compareQuantities(storage, "0") <= 0) yield invalid(at, storage, "must be greater than zero");
  else yield* validateAmount("storage", storage, at);

  if (!absent(storageClassName)) yield* invalidEach(`${path}.storageClassName`, storageClassName, dns1123SubdomainErrors(storageClassName));
  if (volumeMode !== undefined && volumeMode !== null && !volumeModes.includes(volumeMode)) yield notSupported(`${path}.volumeMode`, volumeMode, volumeModes);
  if (dataSource) yield* validateReference(dataSource, `${path}.dataSource`, rules);
  if (dataSourceRef) yield* validateReference(dataSourceRef, `${path}.dataSourceRef`, rules);
  if (dataSource && dataSourceRef) {
    if (!absent(dataSourceRef.namespace)) yield invalid(path, {}, "may not be specified when dataSourceRef.namespace is specified");
    else if (dataSource.apiGroup !== dataSourceRef.apiGroup || dataSource.kind !== dataSourceRef.kind || dataSource.name !== dataSourceRef.name) {
      yield invalid(path, {}, "must match dataSourceRef");
    }
  }
  if (!absent(volumeAttributesClassName)) yield* invalidEach(`${path}.volumeAttributesClassName`, volumeAttributesClassName, dns1123SubdomainErrors(volumeAttributesClassName));
}

/** Templates say what the claim is to be; its name and the rest of its metadata are not theirs. */
export function* validateClaimTemplate({ metadata = {}, spec }: PersistentVolumeClaimTemplate, path: string): Generator<FieldError> {
  yield* annotationsErrors(`${path}.metadata.annotations`, metadata.annotations);
  yield* labelsErrors(`${path}.metadata.labels`, metadata.labels);
  yield* onlyLabelsAndAnnotations(`${path}.metadata`, metadata);
  yield* validateClaimSpec(spec ?? {}, `${path}.spec`);
}
