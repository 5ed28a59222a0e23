import { invalid, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { configMapKeyErrors, dns1123SubdomainErrors, relaxedEnvVarNameErrors } from "../../../apimachinery/validation.ts";
import type { EnvFromSource, EnvVar, FileKeySelector } from "../../generated/core-v1.ts";
import { absent, dnsLabel, invalidEach, noBacksteps } from "../../checks.ts";
import { dnsSubdomainName } from "../../names.ts";
import { addAll } from "../../../stdx/add-all.ts";
import { environmentFields, validateFieldRef, validateResourceFieldRef } from "./field-selectors.ts";

export function validateEnv(variables: readonly EnvVar[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, variable] of variables.entries()) {
    const at = `${path}[${index}]`;
    if (absent(variable.name)) errors.push(required(`${at}.name`));
    else addAll(errors, invalidEach(`${at}.name`, variable.name, relaxedEnvVarNameErrors(variable.name)));
    addAll(errors, validateValueFrom(variable, `${at}.valueFrom`));
  }
  return errors;
}

function validateValueFrom({ value, valueFrom }: EnvVar, path: string): readonly FieldError[] {
  if (valueFrom === undefined || valueFrom === null) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  const errors: FieldError[] = [];
  if (fieldRef) addAll(errors, validateFieldRef(fieldRef, environmentFields, `${path}.fieldRef`));
  if (resourceFieldRef) addAll(errors, validateResourceFieldRef(resourceFieldRef, `${path}.resourceFieldRef`, { inVolume: false }));
  if (configMapKeyRef) addAll(errors, validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`));
  if (secretKeyRef) addAll(errors, validateKeyRef(secretKeyRef, `${path}.secretKeyRef`));
  if (fileKeyRef) addAll(errors, validateFileKeyRef(fileKeyRef, `${path}.fileKeyRef`));

  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((source) => source !== undefined && source !== null).length;
  if (sources === 0) errors.push(invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"));
  else if (!absent(value)) errors.push(invalid(path, "", "may not be specified when `value` is not empty"));
  else if (sources > 1) errors.push(invalid(path, "", "may not have more than one field specified at a time"));
  return errors;
}

function validateKeyRef({ name = "", key = "" }: { readonly name?: string; readonly key?: string }, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, invalidEach(`${path}.name`, name, dns1123SubdomainErrors(name)));
  if (key === "") errors.push(required(`${path}.key`));
  else addAll(errors, invalidEach(`${path}.key`, key, configMapKeyErrors(key)));
  return errors;
}

function validateFileKeyRef({ key, volumeName, path: file }: FileKeySelector, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(key)) errors.push(required(`${path}.key`));
  else addAll(errors, invalidEach(`${path}.key`, key, relaxedEnvVarNameErrors(key)));
  if (absent(volumeName)) errors.push(required(`${path}.volumeName`));
  else addAll(errors, dnsLabel(`${path}.volumeName`, volumeName));
  if (absent(file)) errors.push(required(`${path}.path`));
  else addAll(errors, noBacksteps(`${path}.path`, file));
  return errors;
}

export function validateEnvFrom(sources: readonly EnvFromSource[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { prefix, configMapRef, secretRef }] of sources.entries()) {
    const at = `${path}[${index}]`;
    if (!absent(prefix)) addAll(errors, invalidEach(`${at}.prefix`, prefix, relaxedEnvVarNameErrors(prefix)));
    if (configMapRef) addAll(errors, validateSourceName(configMapRef.name, `${at}.configMapRef.name`));
    if (secretRef) addAll(errors, validateSourceName(secretRef.name, `${at}.secretRef.name`));
    // Upstream reports these at the list, not at its element.
    if (!configMapRef && !secretRef) errors.push(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"));
    else if (configMapRef && secretRef) errors.push(invalid(path, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

function validateSourceName(name: string | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(name)) errors.push(required(path));
  else addAll(errors, invalidEach(path, name, dnsSubdomainName(name, { prefix: true })));
  return errors;
}
