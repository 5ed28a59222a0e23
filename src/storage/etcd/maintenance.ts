import { link, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { codecs, RpcError } from "../../stdx/grpc.ts";
import { RpcChannel } from "../../stdx/rpc-channel.ts";
import { partialSuffix, syncFolder } from "../snapshot/snapshot-file.ts";
import { UnavailableError } from "../store.ts";
import type { EtcdLocation } from "./endpoints.ts";
import { checkDigest } from "./snapshot-file.ts";

/** Of etcdserverpb's rpc.proto, as much as is read here. */
const codec = codecs(JSON.stringify({ nested: {
  SnapshotRequest: { fields: {} },
  SnapshotResponse: { fields: { remainingBytes: { type: "uint64", id: 2 }, blob: { type: "bytes", id: 3 } } },
} }));
const method = { path: "/etcdserverpb.Maintenance/Snapshot", request: codec("SnapshotRequest"), response: codec("SnapshotResponse") };
interface SnapshotResponse { readonly remainingBytes: number; readonly blob: Uint8Array }

/**
 * Has the first member that answers send its database, checksum included, and keeps it as a file, readable for its owner alone: what `etcdctl snapshot save`
 * writes, and `etcdctl snapshot status` and `restore` read. @throws {UnavailableError} when no member sends one.
 */
export async function saveEtcdSnapshot(location: EtcdLocation, path: string, { signal, unique, onProgress }: { readonly signal: AbortSignal; readonly unique: string; readonly onProgress?: (bytesLeft: number) => void }): Promise<void> {
  let failure: unknown;
  for (const endpoint of location.endpoints) {
    using channel = new RpcChannel({ address: endpoint.address, ...(endpoint.tls && { tls: location.tls ?? {} }) });
    try {
      return await save(channel, path, { signal, unique, ...(onProgress && { onProgress }) });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      failure = error;
    }
  }
  throw new UnavailableError(`no member of etcd sends a snapshot: ${failure instanceof Error ? failure.message : String(failure)}`, { cause: failure });
}

async function save(channel: RpcChannel, path: string, { signal, unique, onProgress }: { readonly signal: AbortSignal; readonly unique: string; readonly onProgress?: (bytesLeft: number) => void }): Promise<void> {
  const partial = `${path}.${unique}${partialSuffix}`;
  try {
    const file = await open(partial, "wx+", 0o600);
    try {
      for await (const message of channel.serverStream(method, {}, { signal })) {
        const { blob, remainingBytes } = message as SnapshotResponse;
        await file.writeFile(blob);
        onProgress?.(remainingBytes);
      }
      await file.sync();
      await checkDigest(file, path, signal);
    } finally {
      await file.close();
    }
    await link(partial, path);
    await syncFolder(dirname(path));
  } finally {
    await rm(partial, { force: true });
  }
}
