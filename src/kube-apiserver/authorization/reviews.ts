import {
  localsubjectaccessreviews, selfsubjectaccessreviews, selfsubjectrulesreviews, subjectaccessreviews, type FieldSelectorAttributes, type LabelSelectorAttributes,
  type LocalSubjectAccessReview, type NonResourceAttributes, type NonResourceRule, type ResourceAttributes, type ResourceRule, type SelfSubjectAccessReview,
  type SelfSubjectRulesReview, type SubjectAccessReview, type SubjectAccessReviewSpec, type SubjectAccessReviewStatus,
} from "../../api/generated/authorization-v1.ts";
import { invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import type { ObjectMeta } from "../../apimachinery/object.ts";
import { badRequest, invalidError } from "../../apimachinery/status-error.ts";
import type { Attributes, Authorizer, UserInfo, VirtualResource } from "../access.ts";
import { nodeNameOf } from "./node-identity.ts";
import { errorsText, type RuleResolver } from "./rbac.ts";

const group = "authorization.k8s.io";

interface Asked {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: NonResourceAttributes;
}

/** The four reviews of access: `kubectl auth can-i`, and what other servers ask before they do something for somebody. */
export function accessReviews({ authorizer, resolver }: { readonly authorizer: Authorizer; readonly resolver: RuleResolver }): readonly VirtualResource[] {
  const decide = async (user: UserInfo, asked: Asked): Promise<SubjectAccessReviewStatus> => {
    const { decision, reason } = await authorizer.authorize(attributesOf(user, asked));
    return { allowed: decision === "allow", ...(decision === "deny" && { denied: true }), ...(reason !== "" && { reason }) };
  };
  return [
    {
      type: subjectaccessreviews,
      async create({ object }): Promise<SubjectAccessReview> {
        const review = object as SubjectAccessReview;
        refuseInvalid([...subjectErrors(review.spec), ...metadataErrors(review.metadata)]);
        return { ...review, status: await decide(subjectOf(review.spec), review.spec) };
      },
    },
    {
      type: localsubjectaccessreviews,
      async create({ object, namespace }): Promise<LocalSubjectAccessReview> {
        const review = object as LocalSubjectAccessReview;
        refuseInvalid([...subjectErrors(review.spec), ...localErrors(review)]);
        if (namespace !== (review.metadata.namespace ?? "")) throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
        return { ...review, status: await decide(subjectOf(review.spec), review.spec) };
      },
    },
    {
      type: selfsubjectaccessreviews,
      async create({ object, user }): Promise<SelfSubjectAccessReview> {
        const review = object as SelfSubjectAccessReview;
        refuseInvalid([...askedErrors(review.spec ?? {}), ...metadataErrors(review.metadata)]);
        return { ...review, status: await decide(user, review.spec) };
      },
    },
    {
      type: selfsubjectrulesreviews,
      create({ object, user }): SelfSubjectRulesReview {
        const { namespace = "" } = (object as SelfSubjectRulesReview).spec ?? {};
        if (namespace === "") throw badRequest("no namespace on request");
        return { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", metadata: {}, spec: {}, status: rulesOf(resolver, user, namespace) };
      },
    },
  ];
}

const subjectOf = ({ user = "", groups = [], uid = "", extra }: SubjectAccessReviewSpec): UserInfo => ({ name: user, groups, ...(uid !== "" && { uid }), ...(extra && { extra }) });

function attributesOf(user: UserInfo, { resourceAttributes: asked, nonResourceAttributes }: Asked): Attributes {
  const none = { path: "", group: "", version: "", resource: "", subresource: "", namespace: "", name: "" };
  if (!asked) return { ...none, user, isResourceRequest: false, verb: nonResourceAttributes?.verb ?? "", path: nonResourceAttributes?.path ?? "" };
  const { verb = "", version = "", fieldSelector, labelSelector, ...named } = asked;
  const [fields, labels] = [fieldSelectorText(fieldSelector), labelSelectorText(labelSelector)];
  return { ...none, ...named, user, isResourceRequest: true, verb, version: version === "" ? "*" : version, ...(fields !== "" && { fieldSelector: fields }), ...(labels !== "" && { labelSelector: labels }) };
}

/** Requirements of an unknown kind are left out: all of them together only narrow what is asked for. */
function fieldSelectorText({ rawSelector = "", requirements = [] }: FieldSelectorAttributes = {}): string {
  if (rawSelector !== "") return rawSelector;
  const operators: Readonly<Record<string, string>> = { In: "=", NotIn: "!=" };
  return requirements.flatMap(({ key, operator, values = [] }) => (values.length === 1 && operators[operator] !== undefined ? [`${key}${operators[operator]}${values[0] ?? ""}`] : [])).join(",");
}

function labelSelectorText({ rawSelector = "", requirements = [] }: LabelSelectorAttributes = {}): string {
  if (rawSelector !== "") return rawSelector;
  return requirements.flatMap(({ key, operator, values = [] }) => {
    switch (operator) {
      case "In": return [`${key} in (${values.join(",")})`];
      case "NotIn": return [`${key} notin (${values.join(",")})`];
      case "Exists": return [key];
      case "DoesNotExist": return [`!${key}`];
      default: return [];
    }
  }).join(",");
}

/** Upstream says no kind here. */
function refuseInvalid(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidError({ group, kind: "" }, "", errors);
}

const subjectErrors = (spec: SubjectAccessReviewSpec | undefined): readonly FieldError[] => [
  ...askedErrors(spec ?? {}).slice(0, 1),
  ...((spec?.user ?? "") === "" && (spec?.groups?.length ?? 0) === 0 ? [invalid("spec.user", spec?.user ?? "", "at least one of user or group must be specified")] : []),
  ...askedErrors(spec ?? {}).slice(1),
];

function askedErrors({ resourceAttributes, nonResourceAttributes }: Asked): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (resourceAttributes && nonResourceAttributes) errors.push(invalid("spec.nonResourceAttributes", nonResourceAttributes, "cannot be specified in combination with resourceAttributes"));
  if (!resourceAttributes && !nonResourceAttributes) errors.push(invalid("spec.resourceAttributes", undefined, "exactly one of nonResourceAttributes or resourceAttributes must be specified"));
  for (const name of ["fieldSelector", "labelSelector"] as const) {
    const selector = resourceAttributes?.[name];
    if (!selector) continue;
    const path = `spec.resourceAttributes.${name}`;
    const [raw, many] = [selector.rawSelector ?? "", selector.requirements?.length ?? 0];
    if (raw !== "" && many > 0) errors.push(invalid(`${path}.rawSelector`, raw, "may not specified at the same time as requirements"));
    if (raw === "" && many === 0) errors.push(required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`));
  }
  return errors;
}

/** Fields that the server fills in on every object do not count as given. */
const isGiven = (field: string): boolean => !["managedFields", "creationTimestamp"].includes(field);
const metadataErrors = (metadata: ObjectMeta = {}, allowed: readonly string[] = []): readonly FieldError[] => {
  const given = Object.entries(metadata).filter(([field, value]) => isGiven(field) && !allowed.includes(field) && value !== undefined && value !== "" && value !== null);
  return given.length === 0 ? [] : [invalid("metadata", metadata, allowed.length === 0 ? "must be empty" : "must be empty except for namespace")];
};

function localErrors({ metadata, spec }: LocalSubjectAccessReview): readonly FieldError[] {
  const errors: FieldError[] = [...metadataErrors(metadata, ["namespace"])];
  const namespace = spec?.resourceAttributes?.namespace ?? "";
  if (spec?.resourceAttributes && namespace !== (metadata.namespace ?? "")) errors.push(invalid("spec.resourceAttributes.namespace", namespace, "must match metadata.namespace"));
  if (spec?.nonResourceAttributes) errors.push(invalid("spec.nonResourceAttributes", spec.nonResourceAttributes, "disallowed on this kind of request"));
  return errors;
}

/** All that RBAC grants in a namespace; for nodes there is more that cannot be listed. */
function rulesOf(resolver: RuleResolver, user: UserInfo, namespace: string): NonNullable<SelfSubjectRulesReview["status"]> {
  const found = [...resolver.rulesFor(user, namespace)];
  const rules = found.flatMap((each) => ("rule" in each ? [each.rule] : []));
  const isNode = nodeNameOf(user) !== undefined;
  const errors = [...(isNode ? [new Error("node authorizer does not support user rule resolution")] : []), ...found.flatMap((each) => ("error" in each ? [each.error] : []))];
  return {
    resourceRules: rules.filter(({ resources = [] }) => resources.length > 0).map(({ verbs, apiGroups, resources, resourceNames }): ResourceRule => ({
      verbs, ...(apiGroups && { apiGroups }), ...(resources && { resources }), ...(resourceNames && resourceNames.length > 0 && { resourceNames }),
    })),
    nonResourceRules: rules.filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0).map(({ verbs, nonResourceURLs = [] }): NonResourceRule => ({ verbs, nonResourceURLs })),
    incomplete: isNode,
    ...(errors.length > 0 && { evaluationError: errorsText(errors) }),
  };
}
