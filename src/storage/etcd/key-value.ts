import type { Entry } from "../store.ts";
import type { KeyValue } from "./generated/etcd-v3.ts";

const decoder = new TextDecoder();

export const keyOf = ({ key }: KeyValue): string => decoder.decode(key);

/** The value is a view into the message that it came in. */
export const entryOf = (kv: KeyValue): Entry => ({ key: keyOf(kv), value: new Uint8Array(kv.value.buffer, kv.value.byteOffset, kv.value.byteLength), revision: kv.modRevision });
