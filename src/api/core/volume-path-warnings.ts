import type { ProjectedVolumeSource, Volume, VolumeProjection } from "../generated/core-v1.ts";

/** A file that a volume will hold, and what it comes from where that is not plain. */
interface Placed { readonly path: string; readonly source: string }

const textOf = ({ path, source }: Placed): string => (source === "" ? JSON.stringify(path) : `${JSON.stringify(path)} (${source})`);
const placedOf = (items: readonly { readonly path: string }[] | undefined, source: string): Placed[] => (items ?? []).map(({ path = "" }) => ({ path, source }));

function filesOf({ configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate }: VolumeProjection): readonly Placed[] {
  if (configMap?.items) return placedOf(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? "")}`);
  if (secret?.items) return placedOf(secret.items, `Secret ${JSON.stringify(secret.name ?? "")}`);
  if (downwardAPI?.items) return placedOf(downwardAPI.items, "DownwardAPI");
  if (serviceAccountToken) return placedOf([serviceAccountToken], "ServiceAccountToken");
  if (clusterTrustBundle) return placedOf([clusterTrustBundle], `ClusterTrustBundle ${JSON.stringify(clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? "")}`);
  if (!podCertificate) return [];
  return ([["certificateChainPath", "chain"], ["keyPath", "key"], ["credentialBundlePath", "credential bundle"]] as const)
    .flatMap(([field, what]) => ((podCertificate[field] ?? "") === "" ? [] : [{ path: podCertificate[field] ?? "", source: `PodCertificate ${what}` }]));
}

/** Files at one place, or one inside of what the other is: the volume cannot hold both. */
function overlaps(files: readonly Placed[]): readonly string[] {
  if (files.length < 2) return [];
  const seen: Placed[] = [];
  const found: string[] = [];
  for (const file of files) {
    const next = { ...file, path: file.path.replace(/\/+$/, "") };
    for (const other of next.path === "" ? [] : seen) {
      const [a, b] = [`${next.path}/`, `${other.path}/`];
      if (other.path !== "" && (a.startsWith(b) || b.startsWith(a))) found.push(`${textOf(next)} with ${textOf(other)}`);
    }
    seen.push(next);
  }
  return found;
}

/** Projections of which nothing is to be said. The one of the service account's token is the same object in all pods. */
const sound = new WeakSet<ProjectedVolumeSource>();

export function volumePathWarnings(volumes: readonly Volume[]): readonly string[] {
  const found: string[] = [];
  for (const { name, configMap, secret, downwardAPI, projected } of volumes) {
    if (!configMap?.items && !secret?.items && !downwardAPI?.items && (!projected || sound.has(projected))) continue;
    const volume = `volume ${JSON.stringify(name)}`;
    const kinds: readonly (readonly [what: string, files: readonly Placed[]])[] = [
      ...(configMap?.items ? [[`ConfigMap ${JSON.stringify(configMap.name ?? "")}`, placedOf(configMap.items, "")] as const] : []),
      ...(secret?.items ? [[`Secret ${JSON.stringify(secret.secretName ?? "")}`, placedOf(secret.items, "")] as const] : []),
      ...(downwardAPI?.items ? [["DownwardAPI", placedOf(downwardAPI.items, "")] as const] : []),
    ];
    for (const [what, files] of kinds) for (const overlap of overlaps(files)) found.push(`${volume} (${what}): overlapping paths: ${overlap}`);
    const before = found.length;
    const sources = projected?.sources ?? [];
    for (const source of sources) if (Object.keys(source).length === 0) found.push(`${volume} (Projected) has no sources provided`);
    for (const overlap of overlaps(sources.flatMap(filesOf))) found.push(`${volume} (Projected): overlapping paths: ${overlap}`);
    if (projected && found.length === before) sound.add(projected);
  }
  return found;
}
