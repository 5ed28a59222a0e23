import type { Clock } from "../../stdx/clock.ts";
import type { Cri } from "../cri.ts";
import { isRpcError } from "../../stdx/grpc.ts";
import type { RpcChannel } from "../../stdx/rpc-channel.ts";
import type { Blob, BuiltImage } from "../oci/image.ts";
import { containerdChannel, containerdMethods } from "./api.ts";

const commit = 2;
const write = 1;
/** A gRPC message of content stays well below the limit of 16 MiB. */
const chunkBytes = 4 * 1024 * 1024;
const visibleDelaysMs = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];

async function writeBlob(channel: RpcChannel, blob: Blob, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const ref = `keelson-${blob.digest}`;
  const chunks = [];
  for (let offset = 0; offset < blob.size; offset += chunkBytes) {
    chunks.push({ action: write, ref, total: blob.size, expected: blob.digest, offset, data: blob.data.subarray(offset, offset + chunkBytes) });
  }
  await sendBlob(channel, [...chunks, { action: commit, ref, total: blob.size, expected: blob.digest, offset: blob.size, labels }], signal);
}

async function sendBlob(channel: RpcChannel, messages: readonly object[], signal: AbortSignal): Promise<void> {
  try {
    await channel.exchange(containerdMethods.writeContent, messages, { signal });
  } catch (error) {
    if (!isRpcError(error, "ALREADY_EXISTS")) throw error;
  }
}

/** Makes content that lies in containerd's store already, as a file of its digest, known to it: it takes what is there for what it was to be sent. */
export async function commitBlob(channel: RpcChannel, { digest, size }: Pick<Blob, "digest" | "size">, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  await sendBlob(channel, [{ action: commit, ref: `keelson-${digest}`, total: size, expected: digest, offset: size, labels }], signal);
}

/**
 * Brings an image into containerd without a registry: content first, children before parents, then the names. Resolves when the CRI plugin knows
 * it, which it learns from an event. containerd unpacks it at its first use.
 */
export async function importImage(options: { readonly cri: Cri; readonly image: BuiltImage; readonly pinned?: boolean; readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
  const { cri, image, pinned = false, clock, signal } = options;
  using channel = containerdChannel(cri.socket);
  // containerd collects what nothing refers to, shortly after its start for one: until the image names it, each blob has to stand for itself.
  const root = { "containerd.io/gc.root": "keelson-import" };
  await Promise.all([...image.layers, image.config].map((blob) => writeBlob(channel, blob, root, signal)));
  await writeBlob(channel, image.manifest, {
    ...root,
    "containerd.io/gc.ref.content.config": image.config.digest,
    ...Object.fromEntries(image.layers.map(({ digest }, index) => [`containerd.io/gc.ref.content.l.${index}`, digest])),
  }, signal);

  const { mediaType, digest, size } = image.manifest;
  for (const name of image.tags) {
    const record = { image: { name, target: { mediaType, digest, size }, ...(pinned && { labels: { "io.cri-containerd.pinned": "pinned" } }) } };
    try {
      await channel.unary(containerdMethods.createImage, record, { signal });
    } catch (error) {
      if (!isRpcError(error, "ALREADY_EXISTS")) throw error;
      await channel.unary(containerdMethods.updateImage, record, { signal });
    }
    let visible = false;
    for (const delayMs of visibleDelaysMs) {
      if (delayMs > 0) await clock.sleep(delayMs, { signal });
      visible = Boolean((await cri.imageStatus({ image: { image: name } }, { signal })).image);
      if (visible) break;
    }
    if (!visible) throw new Error(`containerd does not show the image ${name} after it was brought in`);
  }
}

/** Imports what the runtime does not have under one of its names. */
export async function ensureImage(options: Parameters<typeof importImage>[0]): Promise<boolean> {
  const present = await Promise.all(options.image.tags.map(async (image) => (await options.cri.imageStatus({ image: { image } }, { signal: options.signal })).image !== null));
  if (present.every(Boolean)) return false;
  await importImage(options);
  return true;
}
