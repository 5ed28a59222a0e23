import { forbidden, notSupported, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { domainPrefixedPathErrors, pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { absent, dnsLabel, dnsSubdomain, immutable, invalidEach } from "../checks.ts";
import { ingressclasses, type IngressClass, type IngressClassParametersReference } from "../generated/networking-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameAs, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

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
  validate,
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, immutable("spec.controller", next.spec?.controller ?? "", previous.spec?.controller ?? ""));
    addAll(errors, validate(next));
    return errors;
  },
  columns: [
    nameAs(({ metadata }) => `${metadata.name ?? ""}${metadata.annotations?.[defaultAnnotation] === "true" ? " (default)" : ""}`),
    text("Controller", ({ spec }) => spec?.controller ?? ""),
    text("Parameters", parametersText),
    ageColumn,
  ],
});

const controllerBytesMax = 250;

function validate({ spec = {} }: IngressClass): readonly FieldError[] {
  const { controller = "" } = spec;
  const errors: FieldError[] = [];
  if (Buffer.byteLength(controller) > controllerBytesMax) errors.push(tooLong("spec.controller", controllerBytesMax));
  addAll(errors, domainPrefixedPathErrors("spec.controller", controller));
  if (spec.parameters) addAll(errors, validateParameters(spec.parameters, "spec.parameters"));
  return errors;
}

function validateParameters(reference: IngressClassParametersReference, path: string): readonly FieldError[] {
  const { apiGroup, scope, namespace } = reference;
  const errors: FieldError[] = [];
  if (apiGroup !== undefined) addAll(errors, dnsSubdomain(`${path}.apiGroup`, apiGroup));
  for (const field of ["kind", "name"] as const) {
    const value = reference[field];
    if (absent(value)) errors.push(required(`${path}.${field}`));
    else addAll(errors, invalidEach(`${path}.${field}`, value, pathSegmentNameErrors(value)));
  }
  if (scope === undefined) return [...errors, required(`${path}.scope`)];
  if (scope !== "Cluster" && scope !== "Namespace") return [...errors, notSupported(`${path}.scope`, scope, ["Cluster", "Namespace"])];
  if (scope === "Cluster" && namespace !== undefined) errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  if (scope === "Cluster") return errors;
  if (namespace === undefined) errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  else addAll(errors, dnsLabel(`${path}.namespace`, namespace));
  return errors;
}
