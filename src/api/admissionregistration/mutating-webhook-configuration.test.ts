import { testCreates } from "../validation-table.ts";
import { mutatingWebhookConfigurationResource } from "./mutating-webhook-configuration.ts";

const webhook = { name: "a.example.com", clientConfig: { service: { name: "s", namespace: "n" } }, sideEffects: "None", admissionReviewVersions: ["v1"] };
testCreates(mutatingWebhookConfigurationResource, [
  ["a good one", { webhooks: [webhook] }, []],
  ["an unknown policy", { webhooks: [{ ...webhook, reinvocationPolicy: "X" }] }, ['webhooks[0].reinvocationPolicy: Unsupported value: "X": supported values: "IfNeeded", "Never"']],
]);
