import { tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { domainPrefixedPathErrors } from "../../apimachinery/validation.ts";
import { immutable } from "../checks.ts";
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
  validate,
  *validateUpdate(next, previous) {
    yield* immutable("spec.controller", next.spec?.controller, previous.spec?.controller);
    yield* validate(next);
  },
  columns: [
    nameAs(({ metadata }) => `${metadata.name ?? ""}${metadata.annotations?.[defaultAnnotation] === "true" ? " (default)" : ""}`),
    text("Controller", ({ spec }) => spec?.controller ?? ""),
    text("Parameters", parametersText),
    ageColumn,
  ],
});

const controllerBytesMax = 250;

function* validate({ spec = {} }: IngressClass): Generator<FieldError> {
  const { controller = "" } = spec;
  if (Buffer.byteLength(controller) > controllerBytesMax) yield tooLong("spec.controller", controllerBytesMax);
  yield* domainPrefixedPathErrors("spec.controller", controller);
}
