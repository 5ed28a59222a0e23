import { invalid, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { configMapKeyErrors, dns1123SubdomainErrors, relaxedEnvVarNameErrors } from "../../../apimachinery/validation.ts";
import type { EnvFromSource, EnvVar, FileKeySelector } from "../../generated/core-v1.ts";
import { absent, dnsLabel, invalidEach, noBacksteps } from "../../checks.ts";
import { dnsSubdomainName } from "../../names.ts";
import { environmentFields, validateFieldRef, validateResourceFieldRef } from "./field-selectors.ts";

export function* validateEnv(variables: readonly EnvVar[], path: string): Generator<FieldError> {
  for (const [index, variable] of variables.entries()) {
    const at = `${path}[${index}]`;
    if (absent(variable.name)) yield required(`${at}.name`);
    else yield* invalidEach(`${at}.name`, variable.name, relaxedEnvVarNameErrors(variable.name));
    yield* validateValueFrom(variable, `${at}.valueFrom`);
  }
}

function* validateValueFrom({ value, valueFrom }: EnvVar, path: string): Generator<FieldError> {
  if (valueFrom === undefined || valueFrom === null) return;
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  if (fieldRef) yield* validateFieldRef(fieldRef, environmentFields, `${path}.fieldRef`);
  if (resourceFieldRef) yield* validateResourceFieldRef(resourceFieldRef, `${path}.resourceFieldRef`, { inVolume: false });
  if (configMapKeyRef) yield* validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`);
  if (secretKeyRef) yield* validateKeyRef(secretKeyRef, `${path}.secretKeyRef`);
  if (fileKeyRef) yield* validateFileKeyRef(fileKeyRef, `${path}.fileKeyRef`);

  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((source) => source !== undefined && source !== null).length;
  if (sources === 0) yield invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
  else if (!absent(value)) yield invalid(path, "", "may not be specified when `value` is not empty");
  else if (sources > 1) yield invalid(path, "", "may not have more than one field specified at a time");
}

function* validateKeyRef({ name = "", key = "" }: { readonly name?: string; readonly key?: string }, path: string): Generator<FieldError> {
  yield* invalidEach(`${path}.name`, name, dns1123SubdomainErrors(name));
  if (key === "") yield required(`${path}.key`);
  else yield* invalidEach(`${path}.key`, key, configMapKeyErrors(key));
}

function* validateFileKeyRef({ key, volumeName, path: file }: FileKeySelector, path: string): Generator<FieldError> {
  if (absent(key)) yield required(`${path}.key`);
  else yield* invalidEach(`${path}.key`, key, relaxedEnvVarNameErrors(key));
  if (absent(volumeName)) yield required(`${path}.volumeName`);
  else yield* dnsLabel(`${path}.volumeName`, volumeName);
  if (absent(file)) yield required(`${path}.path`);
  else yield* noBacksteps(`${path}.path`, file);
}

export function* validateEnvFrom(sources: readonly EnvFromSource[], path: string): Generator<FieldError> {
  for (const [index, { prefix, configMapRef, secretRef }] of sources.entries()) {
    const at = `${path}[${index}]`;
    if (!absent(prefix)) yield* invalidEach(`${at}.prefix`, prefix, relaxedEnvVarNameErrors(prefix));
    if (configMapRef) yield* validateSourceName(configMapRef.name, `${at}.configMapRef.name`);
    if (secretRef) yield* validateSourceName(secretRef.name, `${at}.secretRef.name`);
    // Upstream reports these at the list, not at its element.
    if (!configMapRef && !secretRef) yield invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
    else if (configMapRef && secretRef) yield invalid(path, "", "may not have more than one field specified at a time");
  }
}

function* validateSourceName(name: string | undefined, path: string): Generator<FieldError> {
  if (absent(name)) yield required(path);
  else yield* invalidEach(path, name, dnsSubdomainName(name, { prefix: true }));
}
