import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import { decodeFrames, encodeFrames, type Frame } from "../../storage/snapshot/frames.ts";
import { readState } from "../../storage/snapshot/read-state.ts";
import type { Store } from "../../storage/store.ts";
import type { ClusterPaths } from "../spec.ts";

/**
 * The way to the whole state of a running cluster: its server holds the file's lock, so that it must read it itself. A socket in the cluster's folder,
 * for the owner of that folder only, who could read the file as well; there is no way to it over the network, whatever one may do in the cluster.
 */
export const stateSocketOf = (paths: Pick<ClusterPaths, "run">): string => join(paths.run, "state.sock");

/** Each reader costs the store time and this process memory. */
const readersMax = 2;
/** A reader that takes nothing for so long has gone. */
const idleMsMax = 60_000;
/** The kernel takes no longer ones. */
const pathBytesMax = 107;

/** Until it is disposed of: whoever connects gets the state of that moment, as frames. */
export async function serveState({ store, path, log }: { readonly store: Store; readonly path: string; readonly log: Log }): Promise<AsyncDisposable> {
  const ending = new AbortController();
  const answer = async (socket: Socket): Promise<void> => {
    const reading = new AbortController();
    socket.setTimeout(idleMsMax, () => socket.destroy(new Error(`nothing was read for ${idleMsMax / 1000} s`)));
    socket.once("close", () => reading.abort());
    try {
      await pipeline(encoded(store, AbortSignal.any([ending.signal, reading.signal])), socket);
    } catch (error) {
      if (!ending.signal.aborted) log.warn("the state was not read to its end", { error });
      socket.destroy();
    }
  };
  const server = createServer((socket) => void answer(socket));
  server.maxConnections = readersMax;
  if (Buffer.byteLength(path) > pathBytesMax) {
    log.warn("snapshots of the running cluster cannot be taken: the path of its folder is too long for a socket", { path });
    return { [Symbol.asyncDispose]: async () => undefined };
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true }); // Of a server that was killed; there is only one, since there is only one lock of the store.
  server.listen(path);
  await once(server, "listening");
  chmodSync(path, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

async function* encoded(store: Store, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  try {
    for await (const frames of readState(store, { signal })) yield encodeFrames(frames);
  } catch (error) {
    if (signal.aborted) throw error;
    yield encodeFrames([{ is: "failed", message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** A server that has just started is waited for so long. */
const connectMsMax = 5_000;
const retryMs = 50;

/** The state of a running cluster. @throws when nobody listens, and when the row breaks off. */
export async function* readStateFrom(path: string, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): AsyncGenerator<readonly Frame[], void> {
  const socket = await connected(path, clock, signal);
  try {
    yield* decodeFrames(socket);
  } finally {
    socket.destroy();
  }
}

async function connected(path: string, clock: Clock, signal: AbortSignal): Promise<Socket> {
  const untilMs = clock.now() + connectMsMax;
  for (;;) {
    const socket = connect({ path, signal });
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      if (clock.now() >= untilMs) throw new Error(`the server runs but does not answer at ${path}: it may be of an older version, which \`keelson up\` replaces once it was stopped`, { cause: error });
      await clock.sleep(retryMs, { signal });
    }
  }
}
