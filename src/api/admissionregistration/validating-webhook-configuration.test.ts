import { testCreates, testUpdates, type Loose } from "../validation-table.ts";
import { validatingWebhookConfigurationResource } from "./validating-webhook-configuration.ts";

const rule = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
const webhook = { name: "a.example.com", clientConfig: { url: "https://host/path" }, sideEffects: "None", admissionReviewVersions: ["v1"], rules: [rule] };
const hooks = (...list: readonly Loose[]): Loose => ({ webhooks: list.map((each) => ({ ...webhook, ...each })) });
const client = (clientConfig: Loose): Loose => hooks({ clientConfig });
const rules = (more: Loose): Loose => hooks({ rules: [{ ...rule, ...more }] });

testCreates(validatingWebhookConfigurationResource, [
  ["a good one", hooks({}), []],
  ["a short name", hooks({ name: "a.b" }), ['webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots']],
  ["a name twice", hooks({}, {}), ['webhooks[1].name: Duplicate value: "a.example.com"']],
  ["an empty one", { webhooks: [{ clientConfig: {} }] }, [
    "webhooks[0].name: Required value", "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun", "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
    "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
  ]],
  ["side effects", hooks({ sideEffects: "Some" }), ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"']],
  ["versions nobody speaks", hooks({ admissionReviewVersions: ["v2", "v2"] }), ['webhooks[0].admissionReviewVersions[1]: Invalid value: "v2": duplicate version', 'webhooks[0].admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1']],
  ["a long wait", hooks({ timeoutSeconds: 31 }), ["webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"]],
  ["unknown policies", hooks({ failurePolicy: "X", matchPolicy: "Y" }), ['webhooks[0].failurePolicy: Unsupported value: "X": supported values: "Fail", "Ignore"', 'webhooks[0].matchPolicy: Unsupported value: "Y": supported values: "Equivalent", "Exact"']],
  ["plain http", client({ url: "http://host" }), ["webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]"]],
  ["a URL with everything", client({ url: "https://u:p@host/path?q#f" }), [
    'webhooks[0].clientConfig.url: Invalid value: "u:p": user information is not permitted in the URL', 'webhooks[0].clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
    'webhooks[0].clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL',
  ]],
  ["no URL", client({ url: ":" }), ['webhooks[0].clientConfig.url: Required value: url must be a valid URL: parse ":": missing protocol scheme; desired format: https://host[/path]']],
  ["a service without its namespace", client({ service: { name: "s", port: 70000 } }), ["webhooks[0].clientConfig.service.name: Required value", "webhooks[0].clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive"]],
  ["a path with a hole", client({ service: { name: "s", namespace: "n", path: "/a//b" } }), ['webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty']],
  ["everything and something", rules({ operations: ["*", "CREATE"], apiGroups: ["*", "a"], apiVersions: ["*", "v1"], resources: ["*/*", "pods"] }), [
    "webhooks[0].rules[0].operations: Invalid value: [\"*\",\"CREATE\"]: if '*' is present, must not specify other operations", "webhooks[0].rules[0].apiGroups: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other API groups",
    "webhooks[0].rules[0].apiVersions: Invalid value: [\"*\",\"v1\"]: if '*' is present, must not specify other API versions", "webhooks[0].rules[0].resources: Invalid value: [\"*/*\",\"pods\"]: if '*/*' is present, must not specify other resources",
  ]],
  ["a subresource twice", rules({ resources: ["pods/*", "pods/log"] }), ["webhooks[0].rules[0].resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log"]],
  ["an unknown scope", rules({ scope: "X", operations: ["DO"] }), ['webhooks[0].rules[0].operations[0]: Unsupported value: "DO": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"', 'webhooks[0].rules[0].scope: Unsupported value: "X": supported values: "*", "Cluster", "Namespaced"']],
  ["conditions without words", hooks({ matchConditions: [{ name: "a", expression: " " }, { name: "a", expression: "true" }, { expression: "true" }] }), [
    "webhooks[0].matchConditions[0].expression: Required value", 'webhooks[0].matchConditions[1].name: Duplicate value: "a"', "webhooks[0].matchConditions[2].name: Required value",
  ]],
]);
testUpdates(validatingWebhookConfigurationResource, [
  ["names twice stay", hooks({}, {}), hooks({}, {}, {}), []],
  ["side effects stay", hooks({ sideEffects: "Some" }), hooks({ sideEffects: "Unknown" }), []],
  ["conditions that did not change", hooks({ matchConditions: [{ name: "a" }] }), hooks({ matchConditions: [{ name: "a" }] }), []],
]);
