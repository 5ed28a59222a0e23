import { createHash } from "node:crypto";
import { tar, type TarEntry } from "./tar.ts";

/** The parts of an image's config that say how its container runs; names as in the OCI image specification. */
export interface ImageConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

export interface ImageOptions {
  /** In order, lowest first. */
  readonly layers: readonly (readonly TarEntry[])[];
  readonly config: ImageConfig;
  /** Full names with tags: "registry.k8s.io/pause:3.10.2". */
  readonly tags: readonly string[];
  /** Defaults to that of this machine. */
  readonly architecture?: "amd64" | "arm64";
}

export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly data: Buffer;
}

export interface BuiltImage {
  readonly tags: readonly string[];
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

const digestOf = (data: Uint8Array): string => `sha256:${createHash("sha256").update(data).digest("hex")}`;
const blob = (mediaType: string, data: Buffer): Blob => ({ mediaType, digest: digestOf(data), size: data.length, data });
const descriptor = ({ mediaType, digest, size }: Blob): object => ({ mediaType, digest, size });
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export const machineArchitecture = (): "amd64" | "arm64" => (process.arch === "arm64" ? "arm64" : "amd64");

/** An image made of files in memory: the same input gives the same digests. Layers are not compressed, since they never travel. */
export function buildImage(options: ImageOptions): BuiltImage {
  const { config, tags, architecture = machineArchitecture() } = options;
  const layers = options.layers.map((entries) => blob("application/vnd.oci.image.layer.v1.tar", tar(entries)));
  const configBlob = blob("application/vnd.oci.image.config.v1+json", json({
    architecture, os: "linux", created: "1970-01-01T00:00:00Z", config,
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created: "1970-01-01T00:00:00Z", created_by: "keelson" })),
  }));
  const manifest = blob("application/vnd.oci.image.manifest.v1+json", json({
    schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config: descriptor(configBlob), layers: layers.map(descriptor),
  }));
  return { tags, manifest, config: configBlob, layers };
}

/** The same as an OCI archive, for `ctr images import` and every other tool that reads one. */
export function imageArchive({ tags, manifest, config, layers }: BuiltImage): Buffer {
  const index = {
    schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: tags.map((tag) => ({ ...descriptor(manifest), annotations: { "io.containerd.image.name": tag, "org.opencontainers.image.ref.name": tag } })),
  };
  return tar([
    { type: "file", name: "oci-layout", mode: 0o644, data: json({ imageLayoutVersion: "1.0.0" }) },
    { type: "file", name: "index.json", mode: 0o644, data: json(index) },
    { type: "directory", name: "blobs/", mode: 0o755 },
    { type: "directory", name: "blobs/sha256/", mode: 0o755 },
    ...[manifest, config, ...layers].map(({ digest, data }): TarEntry => ({ type: "file", name: `blobs/sha256/${digest.slice("sha256:".length)}`, mode: 0o644, data })),
  ]);
}
