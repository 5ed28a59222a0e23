import { constants, copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../../stdx/clock.ts";
import { isRpcError } from "../../stdx/grpc.ts";
import type { RpcChannel } from "../../stdx/rpc-channel.ts";
import { commitBlob } from "./import-image.ts";
import { containerdChannel, containerdMethods } from "./api.ts";
import type { ContainerdPaths } from "./config.ts";

type Place = Pick<ContainerdPaths, "socket" | "root">;

export interface CarryOptions {
  readonly from: Place;
  readonly to: Place;
  readonly clock: Pick<Clock, "now">;
  readonly signal: AbortSignal;
}

export interface Carried {
  /** Names under which images were brought in; an image has several. */
  readonly names: readonly string[];
  /** Of the content that was brought in; where both lie on one file system it takes no room of its own. */
  readonly bytes: number;
  /** Names of images of which something is missing that a node could not start them without. */
  readonly incomplete: readonly string[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
interface ImageRecord {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: Descriptor | null;
}
/** What a manifest or an index refers to, as far as it matters here. */
interface Manifest {
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}
interface Blob extends Descriptor {
  /** Labels by which containerd's collector sees what the blob refers to. */
  readonly references: Readonly<Record<string, string>>;
}

const blobPath = (root: string, digest: string): string => {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new TypeError(`${digest} is no digest that is known here`);
  return join(root, "io.containerd.content.v1.content", "blobs", ...digest.split(":"));
};
/** An index refers to manifests, a manifest to layers: deeper is nothing that runs. */
const depthMax = 3;
const manifestBytesMax = 4 * 1024 * 1024;
const isOfManifests = ({ mediaType }: Descriptor): boolean => /manifest|\.index\./.test(mediaType);

/** All content of an image, children first; undefined where a part is missing. Of an index, what is there of it will do: containerd pulls for one platform only. */
function contentOf(root: string, target: Descriptor, depth = 0): readonly Blob[] | undefined {
  const path = blobPath(root, target.digest);
  if (depth > depthMax || !existsSync(path)) return undefined;
  if (!isOfManifests(target)) return [{ ...target, references: {} }];
  if (statSync(path).size > manifestBytesMax) return undefined;
  const { config, layers = [], manifests = [] } = JSON.parse(readFileSync(path, "utf8")) as Manifest;
  const needed = [...(config ? [config] : []), ...layers].map((each) => contentOf(root, each, depth + 1));
  const variants = manifests.map((each) => contentOf(root, each, depth + 1));
  if (needed.includes(undefined) || (manifests.length > 0 && variants.every((each) => each === undefined))) return undefined;
  return [...needed, ...variants].flatMap((each) => each ?? []).concat({ ...target, references: {
    ...(config && { "containerd.io/gc.ref.content.config": config.digest }),
    ...Object.fromEntries(layers.map(({ digest }, index) => [`containerd.io/gc.ref.content.l.${index}`, digest])),
    ...Object.fromEntries(manifests.flatMap(({ digest }, index) => (variants[index] ? [[`containerd.io/gc.ref.content.m.${index}`, digest]] : []))),
  } });
}

const lease = "keelson-carry";
/** A lease that is left behind ends by itself. */
const leaseMs = 600_000;

/** Content never changes under its digest, so that both may have the same file; whoever removes it first removes a name. */
function share(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EXDEV" || code === "EMLINK") copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    else if (code !== "EEXIST") throw error;
  }
}

/**
 * Gives one containerd the images of another one on the same machine, without a registry and mostly without a copy. Those that it has under the same name are left
 * as they are. containerd unpacks an image at its first use.
 * @throws {RpcError} when one of them does not answer
 */
export async function carryImages({ from, to, clock, signal }: CarryOptions): Promise<Carried> {
  using source = containerdChannel(from.socket);
  using target = containerdChannel(to.socket, { lease });
  // containerd collects content that nothing refers to yet.
  await target.unary(containerdMethods.createLease, { id: lease, labels: { "containerd.io/gc.expire": new Date(clock.now() + leaseMs).toISOString() } }, { signal }).catch((error: unknown) => {
    if (!isRpcError(error, "ALREADY_EXISTS")) throw error;
  });
  const carried = await carry({ source, target, from, to, signal });
  await target.unary(containerdMethods.deleteLease, { id: lease }, { signal });
  return carried;
}

async function carry({ source, target, from, to, signal }: Omit<CarryOptions, "clock"> & { readonly source: RpcChannel; readonly target: RpcChannel }): Promise<Carried> {
  const [wanted, present] = await Promise.all([imagesOf(source, signal), imagesOf(target, signal)]);
  const known = new Set(present.map(({ name }) => name));
  const [names, incomplete, brought]: [string[], string[], Map<string, number>] = [[], [], new Map()];
  for (const image of wanted) {
    if (known.has(image.name) || !image.target) continue;
    const content = contentOf(from.root, image.target);
    if (!content) {
      incomplete.push(image.name);
      continue;
    }
    for (const blob of content) {
      if (brought.has(blob.digest)) continue;
      share(blobPath(from.root, blob.digest), blobPath(to.root, blob.digest));
      await commitBlob(target, blob, blob.references, signal);
      brought.set(blob.digest, blob.size);
    }
    try {
      await target.unary(containerdMethods.createImage, { image }, { signal });
    } catch (error) {
      if (!isRpcError(error, "ALREADY_EXISTS")) throw error;
    }
    names.push(image.name);
  }
  return { names, incomplete, bytes: [...brought.values()].reduce((sum, size) => sum + size, 0) };
}

async function imagesOf(channel: RpcChannel, signal: AbortSignal): Promise<readonly ImageRecord[]> {
  const { images } = (await channel.unary(containerdMethods.listImages, {}, { signal })) as { readonly images: readonly ImageRecord[] };
  return images;
}
