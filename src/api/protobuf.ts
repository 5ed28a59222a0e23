import type { KubeObject } from "../apimachinery/object.ts";
import { createProtobufCodec, type TypeName } from "../apimachinery/protobuf/codec.ts";
import { schemas } from "./schemas.ts";

/** The protobuf codec of the built-in kinds. */
export const protobufCodec = createProtobufCodec(schemas);

/** `application/vnd.kubernetes.protobuf` of an object of a built-in kind; throws a StatusError (406) for others. */
export const encodeProtobuf = <T extends TypeName>(object: T): Buffer => protobufCodec.encode(object);
/** The object in `application/vnd.kubernetes.protobuf` bytes; throws a StatusError (400) for what is not one. */
export const decodeProtobuf = (bytes: Uint8Array, fallback?: TypeName): KubeObject => protobufCodec.decode(bytes, fallback);
