import { changeField, withStruct } from "../defaulting.ts";
import { volumeattachments, type VolumeAttachment } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, yesNo } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";

export const volumeAttachmentResource = defineResource<VolumeAttachment>(volumeattachments, {
  validateName: dnsSubdomainName,
  unconditionalUpdate: false,
  defaults: (attachment) => changeField(withStruct(attachment, "spec"), "spec", (spec) => withStruct(spec, "source")),
  prepareForCreate: (attachment) => ({ ...attachment, status: { attached: false } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy({ resetMetadata: true }) },
  columns: [
    nameColumn,
    { ...text("Attacher", ({ spec }: VolumeAttachment) => spec.attacher), format: "name" },
    text("PV", ({ spec }) => spec.source.persistentVolumeName ?? ""),
    text("Node", ({ spec }) => spec.nodeName),
    yesNo("Attached", ({ status }) => status?.attached === true),
    ageColumn,
  ],
});
