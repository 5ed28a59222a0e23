import { storageclasses, type StorageClass } from "../generated/storage-v1.ts";
import { withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameAs, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

const isDefault = ({ metadata: { annotations = {} } }: StorageClass): boolean =>
  annotations["storageclass.kubernetes.io/is-default-class"] === "true" || annotations["storageclass.beta.kubernetes.io/is-default-class"] === "true";

export const storageClassResource = defineResource<StorageClass>(storageclasses, {
  validateName: dnsSubdomainName,
  defaults: (storageClass) => withDefaults(storageClass, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }),
  columns: [
    nameAs((storageClass) => `${storageClass.metadata.name ?? ""}${isDefault(storageClass) ? " (default)" : ""}`),
    text("Provisioner", ({ provisioner }) => provisioner),
    text("ReclaimPolicy", ({ reclaimPolicy }) => reclaimPolicy ?? "Delete"),
    text("VolumeBindingMode", ({ volumeBindingMode }) => volumeBindingMode ?? "Immediate"),
    text("AllowVolumeExpansion", ({ allowVolumeExpansion }) => allowVolumeExpansion === true),
    ageColumn,
  ],
});
