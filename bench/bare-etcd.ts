import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { codecs, type Codec } from "../src/stdx/grpc.ts";
import { framed } from "../src/stdx/grpc-frames.ts";
import { descriptors, type WatchResponse } from "../src/storage/etcd/generated/etcd-v3.ts";

const codec = codecs(descriptors);
const requestHead = { ":method": "POST", "content-type": "application/grpc", "te": "trailers" };

/** The least that can be between a program and etcd: requests on one HTTP/2 connection, without a library of gRPC, without deadlines, retries or checks. */
export class BareEtcd implements Disposable {
  readonly #session: ClientHttp2Session;
  readonly #put: Codec = codec("PutRequest");
  readonly #txn: Codec = codec("TxnRequest");

  constructor(url: string) {
    this.#session = connect(url);
  }

  put(key: string, value: Uint8Array): Promise<void> {
    return this.#call("/etcdserverpb.KV/Put", this.#put.encode({ key: Buffer.from(key), value }));
  }

  /** As upstream's API server asks for it. */
  create(name: string, value: Uint8Array): Promise<void> {
    const key = Buffer.from(name);
    return this.#call("/etcdserverpb.KV/Txn", this.#txn.encode({
      compare: [{ result: "Equal", target: "Mod", key, modRevision: 0 }], success: [{ requestPut: { key, value } }], failure: [{ requestRange: { key } }],
    }));
  }

  #call(path: string, message: Uint8Array): Promise<void> {
    const stream = this.#session.request({ ...requestHead, ":path": path });
    stream.end(framed(message));
    return new Promise((resolve, reject) => {
      stream.on("trailers", (trailers) => (trailers["grpc-status"] === "0" ? resolve() : reject(new Error(String(trailers["grpc-message"])))));
      stream.on("error", reject);
      stream.resume();
    });
  }

  /** Calls back with each key as its event comes. */
  watch(prefix: string, onKey: (key: string) => void): ClientHttp2Stream {
    const stream = this.#session.request({ ...requestHead, ":path": "/etcdserverpb.Watch/Watch" });
    const key = Buffer.from(prefix);
    const rangeEnd = Buffer.from(key);
    rangeEnd[rangeEnd.length - 1] = (rangeEnd.at(-1) ?? 0) + 1;
    stream.write(framed(codec("WatchRequest").encode({ createRequest: { key, rangeEnd } })));
    let pending: Buffer = Buffer.alloc(0);
    stream.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 5 && pending.length >= 5 + pending.readUInt32BE(1)) {
        const end = 5 + pending.readUInt32BE(1);
        const { events } = codec("WatchResponse").decode(pending.subarray(5, end)) as WatchResponse;
        pending = pending.subarray(end);
        for (const { kv } of events) if (kv) onKey(Buffer.from(kv.key).toString());
      }
    });
    return stream;
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}
