import type { ConfigMap, Container, Pod, Secret } from "../../api/generated/core-v1.ts";
import { namespaceOf } from "../pod/pod.ts";
import { fieldValue, resourceValue, type DownwardFacts } from "./downward.ts";
import { expand } from "./expansion.ts";

/** The objects that a container's environment names, read before; missing ones are undefined. */
export interface EnvironmentSources {
  readonly configMaps: ReadonlyMap<string, ConfigMap | undefined>;
  readonly secrets: ReadonlyMap<string, Secret | undefined>;
  readonly services: ReadonlyMap<string, string>;
}

/** Names of what the environment needs, so that it can be fetched before. */
export function environmentReferences(container: Container): { readonly configMaps: ReadonlySet<string>; readonly secrets: ReadonlySet<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef?.name !== undefined) configMaps.add(configMapRef.name);
    if (secretRef?.name !== undefined) secrets.add(secretRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.configMapKeyRef?.name !== undefined) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name !== undefined) secrets.add(valueFrom.secretKeyRef.name);
  }
  return { configMaps, secrets };
}

export const secretText = (value: string): string => Buffer.from(value, "base64").toString();

/**
 * The variables of a container. Those of `env` see each other in order and the services'; later ones win.
 * @throws Error in upstream's words for what is missing and not optional
 */
export function environment(pod: Pod, container: Container, sources: EnvironmentSources, facts: DownwardFacts): ReadonlyMap<string, string> {
  const namespace = namespaceOf(pod);
  const result = new Map<string, string>();
  const find = <T>(kind: string, map: ReadonlyMap<string, T | undefined>, name: string, optional: boolean): T | undefined => {
    const object = map.get(name);
    if (object === undefined && !optional) throw new Error(`${kind} ${JSON.stringify(name)} not found`);
    return object;
  };

  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef
      ? Object.entries(find("configmap", sources.configMaps, configMapRef.name ?? "", configMapRef.optional === true)?.data ?? {})
      : secretRef
        ? Object.entries(find("secret", sources.secrets, secretRef.name ?? "", secretRef.optional === true)?.data ?? {}).map(([key, value]) => [key, secretText(value)] as const)
        : [];
    for (const [key, value] of data) result.set(`${prefix}${key}`, value);
  }

  const lookup = (name: string): string | undefined => result.get(name) ?? sources.services.get(name);
  for (const { name, value = "", valueFrom } of container.env ?? []) {
    if (value !== "" || !valueFrom) {
      result.set(name, expand(value, lookup));
      continue;
    }
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
    if (fieldRef) result.set(name, fieldValue(fieldRef, pod, facts));
    else if (resourceFieldRef) result.set(name, resourceValue(resourceFieldRef, pod, container, facts));
    else if (configMapKeyRef) {
      const optional = configMapKeyRef.optional === true;
      const object = find("configmap", sources.configMaps, configMapKeyRef.name ?? "", optional);
      const found = object?.data?.[configMapKeyRef.key];
      if (found !== undefined) result.set(name, found);
      else if (!optional) throw new Error(`couldn't find key ${configMapKeyRef.key} in ConfigMap ${namespace}/${configMapKeyRef.name ?? ""}`);
    } else if (secretKeyRef) {
      const optional = secretKeyRef.optional === true;
      const object = find("secret", sources.secrets, secretKeyRef.name ?? "", optional);
      const found = object?.data?.[secretKeyRef.key];
      if (found !== undefined) result.set(name, secretText(found));
      else if (!optional) throw new Error(`couldn't find key ${secretKeyRef.key} in Secret ${namespace}/${secretKeyRef.name ?? ""}`);
    } else result.set(name, "");
  }
  for (const [name, value] of sources.services) if (!result.has(name)) result.set(name, value);
  return result;
}
