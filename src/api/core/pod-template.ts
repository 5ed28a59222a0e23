import { podtemplates, type PodTemplate } from "../generated/core-v1.ts";
import { changeField, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { nameColumn, text } from "../printing/columns.ts";
import { containerImages, containerNames, formatLabels } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { podTemplateDefaults } from "./pod-spec/defaults.ts";
import { withoutDisabledTemplateFields } from "./pod-spec/disabled-fields.ts";
import { validatePodTemplate } from "./pod-template-validation.ts";
import { templateWarnings } from "./pod-warnings.ts";

export const podTemplateResource = defineResource<PodTemplate>(podtemplates, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (template) => changeField(withStruct(template, "template"), "template", podTemplateDefaults),
  prepareForCreate: (template) => withoutDisabledTemplateFields(template, undefined),
  prepareForUpdate: withoutDisabledTemplateFields,
  validate: ({ template }) => validatePodTemplate(template ?? {}, "template"),
  validateUpdate: ({ template }, previous) => validatePodTemplate(template ?? {}, "template", previous.template),
  warningsOnCreate: ({ template }) => templateWarnings(template, "template"),
  warningsOnUpdate: (next, previous) => (next.metadata.generation === previous.metadata.generation ? [] : templateWarnings(next.template, "template")),
  columns: [
    nameColumn,
    text("Containers", ({ template }) => containerNames(template)),
    text("Images", ({ template }) => containerImages(template)),
    text("Pod Labels", ({ template }) => formatLabels(template?.metadata?.labels)),
  ],
});
