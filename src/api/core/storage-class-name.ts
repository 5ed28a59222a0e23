import type { KubeObject } from "../../apimachinery/object.ts";

/** The annotation that named the storage class before there was a field for it; it still wins. */
export const classAnnotation = "volume.beta.kubernetes.io/storage-class";

export const storageClassOf = ({ metadata, spec }: KubeObject & { readonly spec?: { readonly storageClassName?: string } }): string =>
  metadata.annotations?.[classAnnotation] ?? spec?.storageClassName ?? "";
