import { forbidden, invalid, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { rangeError } from "../../apimachinery/validation.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { dnsSubdomain, immutable } from "../checks.ts";
import { validateInlineVolumeSpec } from "../core/persistent-volume-validation.ts";
import { validateCsiDriverName } from "../core/pod-spec/validation-volume-parts.ts";
import { changeField, withStruct } from "../defaulting.ts";
import { volumeattachments, type VolumeAttachment, type VolumeAttachmentSource, type VolumeError } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, yesNo } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";

export const volumeAttachmentResource = defineResource<VolumeAttachment>(volumeattachments, {
  validateName: dnsSubdomainName,
  unconditionalUpdate: false,
  defaults: (attachment) => changeField(withStruct(attachment, "spec"), "spec", (spec) => withStruct(spec, "source")),
  prepareForCreate: (attachment) => ({ ...attachment, status: { attached: false } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy({ resetMetadata: true, validateUpdate }) },
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    { ...text("Attacher", ({ spec }: VolumeAttachment) => spec.attacher), format: "name" },
    text("PV", ({ spec }) => spec.source.persistentVolumeName ?? ""),
    text("Node", ({ spec }) => spec.nodeName),
    yesNo("Attached", ({ status }) => status?.attached === true),
    ageColumn,
  ],
});

const metadataBytesMax = 256 * 1024;
const messageBytesMax = 1024;

function validateSource({ inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource): readonly FieldError[] {
  const path = "spec.source";
  const errors: FieldError[] = [];
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined) errors.push(required(path, "must specify exactly one of inlineVolumeSpec and persistentVolumeName"));
  else if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined) errors.push(forbidden(path, "must specify exactly one of inlineVolumeSpec and persistentVolumeName"));
  else if (persistentVolumeName === "") errors.push(required(`${path}.persistentVolumeName`, "must specify non empty persistentVolumeName"));
  else if (inlineVolumeSpec !== undefined) addAll(errors, validateInlineVolumeSpec(inlineVolumeSpec, `${path}.inlineVolumeSpec`));
  return errors;
}

function validateError(error: VolumeError | undefined, path: string): readonly FieldError[] {
  // The limit that is named is not the one that holds; so it is upstream.
  const errors: FieldError[] = [];
  if (utf8Length(error?.message ?? "") > messageBytesMax) errors.push(tooLong(`${path}.message`, metadataBytesMax));
  if (error?.errorCode !== undefined && error.errorCode < 0) errors.push(invalid(`${path}.errorCode`, error.errorCode, rangeError(0, 2 ** 31 - 1)));
  return errors;
}

function validate({ spec, status }: VolumeAttachment): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateCsiDriverName(spec.attacher, "spec.attacher"));
  addAll(errors, validateSource(spec.source));
  addAll(errors, dnsSubdomain("spec.nodeName", spec.nodeName ?? ""));
  const bytes = Object.entries(status?.attachmentMetadata ?? {}).reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value), 0);
  if (bytes > metadataBytesMax) errors.push(tooLong("status.attachmentMetadata", metadataBytesMax));
  addAll(errors, validateError(status?.attachError, "status.attachError"));
  addAll(errors, validateError(status?.detachError, "status.detachError"));
  if (spec.source.persistentVolumeName !== undefined) addAll(errors, dnsSubdomain("spec.source.persistentVolumeName", spec.source.persistentVolumeName));
  return errors;
}

function validateUpdate(next: VolumeAttachment, previous: VolumeAttachment): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validate(next));
  addAll(errors, immutable("spec", next.spec, previous.spec, "VolumeAttachmentSpec"));
  return errors;
}
