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

function* validateSource({ inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource): Generator<FieldError> {
  const path = "spec.source";
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined) yield required(path, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  else if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined) yield forbidden(path, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  else if (persistentVolumeName === "") yield required(`${path}.persistentVolumeName`, "must specify non empty persistentVolumeName");
  else if (inlineVolumeSpec !== undefined) yield* validateInlineVolumeSpec(inlineVolumeSpec, `${path}.inlineVolumeSpec`);
}

function* validateError(error: VolumeError | undefined, path: string): Generator<FieldError> {
  // The limit that is named is not the one that holds; so it is upstream.
  if (utf8Length(error?.message ?? "") > messageBytesMax) yield tooLong(`${path}.message`, metadataBytesMax);
  if (error?.errorCode !== undefined && error.errorCode < 0) yield invalid(`${path}.errorCode`, error.errorCode, rangeError(0, 2 ** 31 - 1));
}

function* validate({ spec, status }: VolumeAttachment): Generator<FieldError> {
  yield* validateCsiDriverName(spec.attacher, "spec.attacher");
  yield* validateSource(spec.source);
  yield* dnsSubdomain("spec.nodeName", spec.nodeName ?? "");
  const bytes = Object.entries(status?.attachmentMetadata ?? {}).reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value), 0);
  if (bytes > metadataBytesMax) yield tooLong("status.attachmentMetadata", metadataBytesMax);
  yield* validateError(status?.attachError, "status.attachError");
  yield* validateError(status?.detachError, "status.detachError");
  if (spec.source.persistentVolumeName !== undefined) yield* dnsSubdomain("spec.source.persistentVolumeName", spec.source.persistentVolumeName);
}

function* validateUpdate(next: VolumeAttachment, previous: VolumeAttachment): Generator<FieldError> {
  yield* validate(next);
  yield* immutable("spec", next.spec, previous.spec);
}
