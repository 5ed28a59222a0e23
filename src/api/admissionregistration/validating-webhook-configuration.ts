import { validatingwebhookconfigurations, type ValidatingWebhook, type ValidatingWebhookConfiguration } from "../generated/admissionregistration-v1.ts";
import { changeEach } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { webhookColumns } from "./columns.ts";
import { webhookDefaults } from "./defaults.ts";
import { validateWebhooks } from "./webhook-validation.ts";

export const validatingWebhookConfigurationResource = defineResource<ValidatingWebhookConfiguration>(validatingwebhookconfigurations, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  generation: true,
  unconditionalUpdate: false,
  defaults: (configuration) => changeEach(configuration, "webhooks", (webhook: ValidatingWebhook) => webhookDefaults(webhook)),
  validate: ({ webhooks }) => validateWebhooks(webhooks),
  validateUpdate: (next, previous) => validateWebhooks(next.webhooks, previous.webhooks ?? []),
  columns: webhookColumns,
});
