import type { KubeObject } from "../../apimachinery/object.ts";
import type { ParamKind, ParamRef } from "../generated/admissionregistration-v1.ts";
import { ageColumn, integer, nameColumn, text } from "../printing/columns.ts";
import { selectorText } from "../printing/formats.ts";
import type { Column } from "../resource.ts";

export const webhookColumns: readonly Column<KubeObject & { readonly webhooks?: readonly unknown[] }>[] = [
  nameColumn, integer("Webhooks", ({ webhooks }) => (webhooks ?? []).length), ageColumn,
];

interface PolicyLike extends KubeObject { readonly spec?: { readonly paramKind?: ParamKind } }
export const policyColumns = <T extends PolicyLike>(name: string, count: (policy: T) => number): readonly Column<T>[] => [
  nameColumn as Column<T>, integer(name, count),
  text("ParamKind", ({ spec }) => (spec?.paramKind === undefined ? "<unset>" : `${spec.paramKind.apiVersion ?? ""}/${spec.paramKind.kind ?? ""}`)),
  ageColumn as Column<T>,
];

interface BindingLike extends KubeObject { readonly spec?: { readonly policyName?: string; readonly paramRef?: ParamRef } }
function paramText({ spec }: BindingLike): string {
  const ref = spec?.paramRef;
  if (ref === undefined) return "<unset>";
  if ((ref.name ?? "") !== "") return `${(ref.namespace ?? "") === "" ? "*" : ref.namespace}/${ref.name}`;
  return ref.selector === undefined ? "<unset>" : selectorText(ref.selector) ?? "<unset>";
}
export const policyBindingColumns: readonly Column<BindingLike>[] = [
  nameColumn, text("PolicyName", ({ spec }) => spec?.policyName ?? ""), text("ParamRef", paramText), ageColumn,
];
