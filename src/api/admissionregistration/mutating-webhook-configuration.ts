import { mutatingwebhookconfigurations, type MutatingWebhook, type MutatingWebhookConfiguration } from "../generated/admissionregistration-v1.ts";
import { changeEach, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { webhookColumns } from "./columns.ts";
import { webhookDefaults } from "./defaults.ts";
import { validateWebhooks } from "./webhook-validation.ts";

export const mutatingWebhookConfigurationResource = defineResource<MutatingWebhookConfiguration>(mutatingwebhookconfigurations, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  generation: true,
  unconditionalUpdate: false,
  defaults: (configuration) => changeEach(configuration, "webhooks", (webhook: MutatingWebhook) => withDefaults(webhookDefaults(webhook), { reinvocationPolicy: "Never" })),
  validate: ({ webhooks }) => validateWebhooks(webhooks),
  validateUpdate: (next, previous) => validateWebhooks(next.webhooks, previous.webhooks ?? []),
  columns: webhookColumns,
});
