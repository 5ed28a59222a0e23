import type { ConfigMap, Container, DownwardAPIVolumeFile, KeyToPath, Pod, ProjectedVolumeSource, Secret, Volume } from "../../api/generated/core-v1.ts";
import { fieldValue, resourceValue, type DownwardFacts } from "../containers/downward.ts";
import { specOf } from "../pod/pod.ts";
import type { Payload, PayloadFile } from "./atomic-writer.ts";

/** What volumes of files are made of; each reader tells undefined for an object that is not there. */
export interface PayloadSources {
  configMap(name: string): Promise<ConfigMap | undefined>;
  secret(name: string): Promise<Secret | undefined>;
  token(audience: string, expirationSeconds: number): Promise<{ readonly token: string; readonly refreshMs: number }>;
}

export interface Collected {
  readonly payload: Payload;
  /** When it has to be collected again although nothing that it came from changed. */
  readonly refreshMs: number;
}

const modeDefault = 0o644;
/** A path must stay within its volume. */
function checkPath(path: string): void {
  if (path === "" || path.startsWith("/") || path.split("/").includes("..") || path.startsWith("..")) throw new Error(`invalid path: ${path}`);
}

function keysToFiles(data: ReadonlyMap<string, Buffer>, items: readonly KeyToPath[] | undefined, mode: number, optional: boolean, missing: string): [string, PayloadFile][] {
  if (!items || items.length === 0) return [...data].map(([key, bytes]) => [key, { data: bytes, mode }]);
  return items.flatMap(({ key, path, mode: own }): [string, PayloadFile][] => {
    const bytes = data.get(key);
    if (!bytes) {
      if (optional) return [];
      throw new Error(`${missing}: ${key}`);
    }
    checkPath(path);
    return [[path, { data: bytes, mode: own ?? mode }]];
  });
}

const configMapData = ({ data = {}, binaryData = {} }: ConfigMap): ReadonlyMap<string, Buffer> =>
  new Map([...Object.entries(data).map(([key, value]) => [key, Buffer.from(value)] as const), ...Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, "base64")] as const)]);
const secretData = ({ data = {} }: Secret): ReadonlyMap<string, Buffer> => new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64")] as const));

interface KeyedSource { readonly name: string; readonly items: readonly KeyToPath[] | undefined; readonly optional: boolean; readonly mode: number }

async function configMapFiles(sources: PayloadSources, { name, items, optional, mode }: KeyedSource): Promise<[string, PayloadFile][]> {
  const object = await sources.configMap(name);
  if (!object && !optional) throw new Error(`configmap ${JSON.stringify(name)} not found`);
  return keysToFiles(object ? configMapData(object) : new Map(), items, mode, optional, "configmap references non-existent config key");
}

async function secretFiles(sources: PayloadSources, { name, items, optional, mode }: KeyedSource): Promise<[string, PayloadFile][]> {
  const object = await sources.secret(name);
  if (!object && !optional) throw new Error(`secret ${JSON.stringify(name)} not found`);
  return keysToFiles(object ? secretData(object) : new Map(), items, mode, optional, "references non-existent secret key");
}

const nobody: Container = { name: "" };

function downwardFiles(items: readonly DownwardAPIVolumeFile[], pod: Pod, facts: DownwardFacts, mode: number): [string, PayloadFile][] {
  return items.map(({ path, fieldRef, resourceFieldRef, mode: own }) => {
    checkPath(path);
    const text = fieldRef ? fieldValue(fieldRef, pod, facts) : resourceFieldRef ? resourceValue(resourceFieldRef, pod, nobody, facts) : "";
    return [path, { data: Buffer.from(text), mode: own ?? mode }];
  });
}

/** The user of all containers, where they have the same one: the files of tokens belong to it. */
export function commonUser(pod: Pod): number | undefined {
  const { securityContext, containers, initContainers = [] } = specOf(pod);
  const users = new Set([...containers, ...initContainers].map((container) => container.securityContext?.runAsUser ?? securityContext?.runAsUser));
  return users.size === 1 ? [...users][0] : undefined;
}

async function projectedFiles({ sources: parts = [], defaultMode }: ProjectedVolumeSource, pod: Pod, sources: PayloadSources, facts: DownwardFacts): Promise<Collected> {
  const mode = defaultMode ?? modeDefault;
  const uid = commonUser(pod);
  const restricted = uid !== undefined || specOf(pod).securityContext?.fsGroup !== undefined;
  let refreshMs = Infinity;
  const files = await Promise.all(parts.map(async ({ configMap, secret, downwardAPI, serviceAccountToken }): Promise<[string, PayloadFile][]> => {
    if (configMap) return configMapFiles(sources, { name: configMap.name ?? "", items: configMap.items, optional: configMap.optional === true, mode });
    if (secret) return secretFiles(sources, { name: secret.name ?? "", items: secret.items, optional: secret.optional === true, mode });
    if (downwardAPI) return downwardFiles(downwardAPI.items ?? [], pod, facts, mode);
    if (serviceAccountToken) {
      const { audience = "", expirationSeconds = 3600, path } = serviceAccountToken;
      checkPath(path);
      const answer = await sources.token(audience, expirationSeconds);
      refreshMs = Math.min(refreshMs, answer.refreshMs);
      return [[path, { data: Buffer.from(answer.token), mode: restricted ? 0o600 : mode, ...(uid !== undefined && { uid }) }]];
    }
    throw new Error("a source of a projected volume is not supported");
  }));
  return { payload: new Map(files.flat()), refreshMs };
}

/** The files of a volume that is made of objects; undefined for other kinds. @throws Error in upstream's words */
export async function collectPayload(volume: Volume, pod: Pod, sources: PayloadSources, facts: DownwardFacts): Promise<Collected | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  const once = (files: [string, PayloadFile][]): Collected => ({ payload: new Map(files), refreshMs: Infinity });
  if (configMap) return once(await configMapFiles(sources, { name: configMap.name ?? "", items: configMap.items, optional: configMap.optional === true, mode: configMap.defaultMode ?? modeDefault }));
  if (secret) return once(await secretFiles(sources, { name: secret.secretName ?? "", items: secret.items, optional: secret.optional === true, mode: secret.defaultMode ?? modeDefault }));
  if (downwardAPI) return once(downwardFiles(downwardAPI.items ?? [], pod, facts, downwardAPI.defaultMode ?? modeDefault));
  if (projected) return projectedFiles(projected, pod, sources, facts);
  return undefined;
}
