import { forbidden, notSupported, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { domainPrefixedPathErrors, pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { absent, dnsLabel, dnsSubdomain, immutable, invalidEach } from "../checks.ts";
import { ingressclasses, type IngressClass, type IngressClassParametersReference } from "../generated/networking-v1.ts";
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
    yield* immutable("spec.controller", next.spec?.controller ?? "", previous.spec?.controller ?? "");
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
  if (spec.parameters) yield* validateParameters(spec.parameters, "spec.parameters");
}

function* validateParameters(reference: IngressClassParametersReference, path: string): Generator<FieldError> {
  const { apiGroup, scope, namespace } = reference;
  if (apiGroup !== undefined) yield* dnsSubdomain(`${path}.apiGroup`, apiGroup);
  for (const field of ["kind", "name"] as const) {
    const value = reference[field];
    if (absent(value)) yield required(`${path}.${field}`);
    else yield* invalidEach(`${path}.${field}`, value, pathSegmentNameErrors(value));
  }
  if (scope === undefined) return yield required(`${path}.scope`);
  if (scope !== "Cluster" && scope !== "Namespace") return yield notSupported(`${path}.scope`, scope, ["Cluster", "Namespace"]);
  if (scope === "Cluster" && namespace !== undefined) yield forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'");
  if (scope === "Cluster") return;
  if (namespace === undefined) yield required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'");
  else yield* dnsLabel(`${path}.namespace`, namespace);
}
