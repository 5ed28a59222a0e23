import type { MatchResources, NamedRuleWithOperations, RuleWithOperations, WebhookClientConfig } from "../generated/admissionregistration-v1.ts";
import { changeEach, changeField, withDefaults } from "../defaulting.ts";

const webhookPort = 443;
const webhookTimeoutSeconds = 10;

const ruleDefaults = <T extends RuleWithOperations | NamedRuleWithOperations>(rule: T): T => withDefaults<RuleWithOperations>(rule, { scope: "*" }) as T;
const clientDefaults = (config: WebhookClientConfig): WebhookClientConfig => changeField(config, "service", (service) => withDefaults(service, { port: webhookPort }));

interface Webhook {
  readonly clientConfig: WebhookClientConfig;
  readonly rules?: readonly RuleWithOperations[];
  readonly failurePolicy?: string;
  readonly matchPolicy?: string;
  readonly namespaceSelector?: object;
  readonly objectSelector?: object;
  readonly timeoutSeconds?: number;
}
export function webhookDefaults<T extends Webhook>(webhook: T): T {
  let next: Webhook = withDefaults(webhook as Webhook, { failurePolicy: "Fail", matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {}, timeoutSeconds: webhookTimeoutSeconds });
  next = changeField(next, "clientConfig", clientDefaults);
  return changeEach(next, "rules", (rule: RuleWithOperations) => ruleDefaults(rule)) as T;
}

export const matchResourcesDefaults = (match: MatchResources): MatchResources => {
  const filled = withDefaults(match, { matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {} });
  return changeEach(changeEach(filled, "resourceRules", (rule: NamedRuleWithOperations) => ruleDefaults(rule)), "excludeResourceRules", (rule: NamedRuleWithOperations) => ruleDefaults(rule));
};
