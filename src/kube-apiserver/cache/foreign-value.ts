import { protobufCodec } from "../../api/protobuf.ts";
import { isProtobuf } from "../../apimachinery/protobuf/codec.ts";
import { splitApiVersion, type KubeObject } from "../../apimachinery/object.ts";
import { definitionFromV1beta1 } from "./foreign-definition.ts";

/**
 * Older versions in which upstream 1.36 stores a kind that has the same fields in the version that is stored here. (It waits one release with
 * a new version, so that the release before can be gone back to.)
 */
const sameShape: ReadonlySet<string> = new Set([
  "admissionregistration.k8s.io/v1beta1", "certificates.k8s.io/v1beta1", "coordination.k8s.io/v1beta1", "networking.k8s.io/v1beta1", "storage.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1beta3",
]);

/**
 * Reads a value that another API server has stored: upstream writes built-in kinds as protobuf (behind `k8s\0`) and custom resources as JSON.
 * @throws {Error} for a version that is not stored here, and for what can be read by neither.
 */
export function readForeignValue(stored: Uint8Array, { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): KubeObject {
  const object = isProtobuf(stored) ? protobufCodec.decode(stored) : (JSON.parse(Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString()) as KubeObject);
  if (object.kind !== kind) throw new Error(`a ${object.kind ?? "value"} is stored where a ${kind} should be`);
  if (object.apiVersion === apiVersion) return object;
  if (object.apiVersion === "apiextensions.k8s.io/v1beta1" && apiVersion === "apiextensions.k8s.io/v1") return definitionFromV1beta1(object);
  const { group } = splitApiVersion(apiVersion);
  // Versions of custom resources are told apart by their conversion, which is done where they are served.
  if (!sameShape.has(object.apiVersion ?? "") || splitApiVersion(object.apiVersion ?? "").group !== group) {
    throw new Error(`a ${kind} is stored in version ${object.apiVersion}, which cannot be read`);
  }
  return { ...object, apiVersion };
}
