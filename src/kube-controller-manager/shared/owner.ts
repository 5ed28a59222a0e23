import type { KubeObject, OwnerReference } from "../../apimachinery/object.ts";

/** The reference by which `owner` controls what it makes. */
export const controllerReference = ({ apiVersion, kind, metadata: { name = "", uid = "" } }: KubeObject): OwnerReference =>
  ({ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true });
