import { ingressclasses, type IngressClass } from "../generated/networking-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameAs, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

const defaultAnnotation = "ingressclass.kubernetes.io/is-default-class";

function parametersText({ spec }: IngressClass): string {
  if (spec?.parameters === undefined) return "<none>";
  const { kind, apiGroup, name } = spec.parameters;
  return `${apiGroup === undefined ? kind : `${kind}.${apiGroup}`}/${name}`;
}

export const ingressClassResource = defineResource<IngressClass>(ingressclasses, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (ingressClass) => changeField(ingressClass, "spec", (spec) => changeField(spec, "parameters", (parameters) => withDefaults(parameters, { scope: "Cluster" }))),
  columns: [
    nameAs(({ metadata }) => `${metadata.name ?? ""}${metadata.annotations?.[defaultAnnotation] === "true" ? " (default)" : ""}`),
    text("Controller", ({ spec }) => spec?.controller ?? ""),
    text("Parameters", parametersText),
    ageColumn,
  ],
});
