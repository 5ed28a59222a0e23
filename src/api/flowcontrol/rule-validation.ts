import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "../../apimachinery/validation.ts";
import { absent, invalidEach } from "../checks.ts";
import type { NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from "../generated/flowcontrol-v1.ts";
import { addAll } from "../../stdx/add-all.ts";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const subjectFields = { User: "user", Group: "group", ServiceAccount: "serviceAccount" } as const;
const isSubjectKind = (kind: string): kind is keyof typeof subjectFields => Object.hasOwn(subjectFields, kind);
/** The order in which fields that do not belong are named. */
const extras = ["serviceAccount", "user", "group"] as const;

function validateSubject(subject: Subject, path: string): readonly FieldError[] {
  const { kind = "" } = subject;
  if (!isSubjectKind(kind)) return [notSupported(`${path}.kind`, kind, ["Group", "ServiceAccount", "User"])];
  const field = subjectFields[kind];
  const own = subject[field];
  const errors: FieldError[] = [];
  if (!own) {
    errors.push(required(`${path}.${field}`, `${field} is required when subject kind is '${kind}'`));
  } else {
    if (absent(own.name)) errors.push(required(`${path}.${field}.name`));
    else if (field === "serviceAccount" && own.name !== "*") addAll(errors, invalidEach(`${path}.${field}.name`, own.name, dns1123SubdomainErrors(own.name)));
    if (field === "serviceAccount") {
      const namespace = subject.serviceAccount?.namespace;
      if (absent(namespace)) errors.push(required(`${path}.${field}.namespace`, "must specify namespace for service account"));
      else addAll(errors, invalidEach(`${path}.${field}.namespace`, namespace, dns1123LabelErrors(namespace)));
    }
  }
  for (const extra of extras) {
    const [owner] = Object.entries(subjectFields).find(([, each]) => each === extra) ?? [""];
    if (extra !== field && subject[extra]) errors.push(forbidden(`${path}.${extra}`, `${extra} is forbidden when subject kind is not '${owner}'`));
  }
  return errors;
}

function validateVerbs(asked: readonly string[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (asked.length === 0) errors.push(required(path, "verbs must contain at least one value"));
  else if (asked.includes("*") && asked.length > 1) errors.push(invalid(path, asked, "if '*' is present, must not specify other verbs"));
  else if (!asked.includes("*") && !asked.every((verb) => verbs.includes(verb))) errors.push(notSupported(path, asked, verbs));
  return errors;
}

function urlProblem(url: string): string | undefined {
  if (url === "") return "must not be empty";
  if (url === "/") return undefined;
  if (!url.startsWith("/")) return "must start with slash";
  if (url.includes(" ")) return "must not contain white-space";
  if (url.includes("//")) return "must not contain double slash";
  const wildcards = url.split("*").length - 1;
  return wildcards > 1 || (wildcards === 1 && !url.endsWith("/*")) ? "wildcard can only do suffix matching" : undefined;
}

function validateNonResourceRule({ verbs: asked = [], nonResourceURLs: urls = [] }: NonResourcePolicyRule, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateVerbs(asked, `${path}.verbs`));
  const at = `${path}.nonResourceURLs`;
  if (urls.length === 0) return [...errors, required(at, "nonResourceURLs must contain at least one value")];
  if (urls.includes("*")) {
    if (urls.length > 1) errors.push(invalid(at, urls, "if '*' is present, must not specify other non-resource URLs"));
    return errors;
  }
  for (const [index, url] of urls.entries()) {
    const problem = urlProblem(url);
    if (problem !== undefined) errors.push(invalid(`${at}[${index}]`, url, problem));
  }
  return errors;
}

function validateResourceRule({ verbs: asked = [], apiGroups = [], resources = [], namespaces: within, clusterScope = false }: ResourcePolicyRule, path: string): readonly FieldError[] {
  const namespaces = within ?? [];
  const errors: FieldError[] = [];
  addAll(errors, validateVerbs(asked, `${path}.verbs`));
  if (apiGroups.length === 0) errors.push(required(`${path}.apiGroups`, "resource rules must supply at least one api group"));
  else if (apiGroups.length > 1 && apiGroups.includes("*")) errors.push(invalid(`${path}.apiGroups`, apiGroups, "if '*' is present, must not specify other api groups"));
  if (resources.length === 0) errors.push(required(`${path}.resources`, "resource rules must supply at least one resource"));
  else if (resources.length > 1 && resources.includes("*")) errors.push(invalid(`${path}.resources`, resources, "if '*' is present, must not specify other resources"));
  const at = `${path}.namespaces`;
  if (namespaces.length === 0 && !clusterScope) return [...errors, required(at, "resource rules that are not cluster scoped must supply at least one namespace")];
  if (namespaces.includes("*")) {
    if (namespaces.length > 1) errors.push(invalid(at, namespaces, "if '*' is present, must not specify other namespaces"));
    return errors;
  }
  for (const [index, namespace] of namespaces.entries()) {
    for (const problem of dns1123LabelErrors(namespace)) errors.push(invalid(`${at}[${index}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${problem}`));
  }
  return errors;
}

export function validateFlowRule({ subjects = [], resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (subjects.length === 0) errors.push(required(`${path}.subjects`, "subjects must contain at least one value"));
  for (const [index, subject] of subjects.entries()) addAll(errors, validateSubject(subject, `${path}.subjects[${index}]`));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) errors.push(required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"));
  for (const [index, rule] of resourceRules.entries()) addAll(errors, validateResourceRule(rule, `${path}.resourceRules[${index}]`));
  for (const [index, rule] of nonResourceRules.entries()) addAll(errors, validateNonResourceRule(rule, `${path}.nonResourceRules[${index}]`));
  return errors;
}
