import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors } from "../../apimachinery/validation.ts";
import { absent, immutable, invalidEach, oneOf } from "../checks.ts";
import type {
  CustomResourceColumnDefinition, CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, CustomResourceSubresources,
} from "../generated/apiextensions-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { validateWebhookClient } from "../webhook-client.ts";
import { validateNames } from "./names-validation.ts";
import { validateSchema } from "./schema-validation.ts";
import { validateSelectableFields } from "./selectable-fields.ts";

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const reviewVersions = ["v1", "v1beta1"];
const deprecationWarningMax = 256;
const approvalAnnotation = "api-approved.kubernetes.io";
const emptySpec = {} as CustomResourceDefinitionSpec;

function* validateJsonPath(value: string, path: string, roots: readonly string[], detail: string): Generator<FieldError> {
  if (!value.startsWith(".")) yield invalid(path, value, "must be a simple json path starting with .");
  else if (roots.length > 0 && !roots.some((root) => value.startsWith(root))) yield invalid(path, value, detail);
}

function* validateSubresources({ scale }: CustomResourceSubresources, path: string): Generator<FieldError> {
  if (!scale) return;
  for (const [field, root] of [["specReplicasPath", ".spec"], ["statusReplicasPath", ".status"]] as const) {
    const value = scale[field];
    if (absent(value)) yield required(`${path}.scale.${field}`);
    else yield* validateJsonPath(value, `${path}.scale.${field}`, [`${root}.`], `should be a json path under ${root}`);
  }
  if (!absent(scale.labelSelectorPath)) yield* validateJsonPath(scale.labelSelectorPath, `${path}.scale.labelSelectorPath`, [".spec.", ".status."], "should be a json path under either .spec or .status");
}

function* validateColumn({ name, type, format, jsonPath }: CustomResourceColumnDefinition, path: string): Generator<FieldError> {
  if (absent(name)) yield required(`${path}.name`);
  const known = `must be one of ${columnTypes.join(",")}`;
  if (absent(type)) yield required(`${path}.type`, known);
  else if (!columnTypes.includes(type)) yield invalid(`${path}.type`, type, known);
  if (!absent(format) && !columnFormats.includes(format)) yield invalid(`${path}.format`, format, `must be one of ${columnFormats.join(",")}`);
  if (absent(jsonPath)) yield required(`${path}.JSONPath`);
  else yield* validateJsonPath(jsonPath, `${path}.JSONPath`, [], "");
}

function* validateDeprecation({ deprecated = false, deprecationWarning: warning }: CustomResourceDefinitionVersion, path: string): Generator<FieldError> {
  if (warning === undefined) return;
  if (!deprecated) return yield invalid(path, warning, "can only be set for deprecated versions");
  if (Buffer.byteLength(warning) > deprecationWarningMax) yield invalid(path, warning, `must be <= ${deprecationWarningMax} characters long`);
  if (warning === "") yield invalid(path, warning, "must not be an empty string");
  const control = /\p{C}/u.exec(warning);
  if (control) yield invalid(path, warning, `must only contain printable UTF-8 characters; non-printable character found at index ${Buffer.byteLength(warning.slice(0, control.index))}`);
}

/** Where something of all versions is reported: in one place when it is the same in each, as it always is with one version. */
function placesOf(versions: readonly CustomResourceDefinitionVersion[], field: "schema" | "subresources" | "additionalPrinterColumns" | "selectableFields", whole: string): (index: number) => string | undefined {
  const same = versions.every((version) => semanticallyEqual(version[field], versions[0]?.[field]));
  return (index) => (!same ? `spec.versions[${index}].${field}` : index === 0 ? whole : undefined);
}

function* validateVersion(version: CustomResourceDefinitionVersion, schemaAt: string | undefined, subresourcesAt: string | undefined, columnsAt: string | undefined): Generator<FieldError> {
  const { schema, subresources, additionalPrinterColumns: columns = [] } = version;
  if (schemaAt !== undefined && schema?.openAPIV3Schema) yield* validateSchema(schema.openAPIV3Schema, `${schemaAt}.openAPIV3Schema`, { status: subresources?.status !== undefined });
  if (subresourcesAt !== undefined && subresources) yield* validateSubresources(subresources, subresourcesAt);
  if (columnsAt !== undefined) for (const [index, column] of columns.entries()) yield* validateColumn(column, `${columnsAt}[${index}]`);
}

type Places = Readonly<Record<"schema" | "subresources" | "columns" | "fields", (index: number) => string | undefined>>;
/** Too many selectable fields stay where they were. */
type AnyNumberOfFields = (version: CustomResourceDefinitionVersion) => boolean;

/** What is the same in all versions is reported once, after all that is each version's own. */
function* validateSharedParts(first: CustomResourceDefinitionVersion, places: Places, anyNumber: AnyNumberOfFields): Generator<FieldError> {
  const shared = (place: string | undefined): string | undefined => (place?.startsWith("spec.versions[") === true ? undefined : place);
  yield* validateVersion(first, shared(places.schema(0)), shared(places.subresources(0)), shared(places.columns(0)));
  const fieldsAt = shared(places.fields(0));
  if (fieldsAt === undefined) return;
  const schema = shared(places.schema(0)) === undefined ? undefined : first.schema?.openAPIV3Schema;
  yield* validateSelectableFields(first.selectableFields ?? [], schema, fieldsAt, { anyNumber: anyNumber(first) });
}

function* validateOwnParts(version: CustomResourceDefinitionVersion, index: number, places: Places, anyNumber: AnyNumberOfFields): Generator<FieldError> {
  const own = (place: string | undefined): string | undefined => (place?.startsWith("spec.versions[") === true ? place : undefined);
  const [schemaAt, fieldsAt] = [own(places.schema(index)), own(places.fields(index))];
  yield* validateVersion(version, schemaAt, own(places.subresources(index)), own(places.columns(index)));
  if (fieldsAt === undefined) return;
  yield* validateSelectableFields(version.selectableFields ?? [], schemaAt === undefined ? undefined : version.schema?.openAPIV3Schema, fieldsAt, { anyNumber: anyNumber(version) });
}

function* validateVersions(versions: readonly CustomResourceDefinitionVersion[], names: () => Iterable<FieldError>, anyNumber: AnyNumberOfFields): Generator<FieldError> {
  const path = "spec.versions";
  for (const [index, { schema }] of versions.entries()) if (!schema?.openAPIV3Schema) yield required(`${path}[${index}].schema.openAPIV3Schema`);
  const places: Places = {
    schema: placesOf(versions, "schema", "spec.validation"), subresources: placesOf(versions, "subresources", "spec.subresources"),
    columns: placesOf(versions, "additionalPrinterColumns", "spec.additionalPrinterColumns"), fields: placesOf(versions, "selectableFields", "spec.selectableFields"),
  };
  for (const [index, version] of versions.entries()) {
    const problems = dns1035LabelErrors(version.name ?? "");
    if (problems.length > 0) yield invalid(`${path}[${index}].name`, version.name ?? "", problems.join(","));
    yield* validateDeprecation(version, `${path}[${index}].deprecationWarning`);
    yield* validateOwnParts(version, index, places, anyNumber);
  }
  if (new Set(versions.map(({ name }) => name)).size < versions.length) yield invalid(path, versions, "must contain unique version names");
  if (versions.filter(({ storage }) => storage).length !== 1) yield invalid(path, versions.length === 0 ? null : versions, "must have exactly one version marked as storage version");
  const [first] = versions;
  // The first version was once a field of its own, and is looked at as such too.
  const name = first?.name ?? "";
  const problems = name === "" ? [] : dns1035LabelErrors(name);
  if (problems.length > 0) yield invalid("spec.version", name, problems.join(","));
  yield* names();
  if (first) yield* validateSharedParts(first, places, anyNumber);
}

const hasDefaults = (schema: unknown): boolean =>
  typeof schema === "object" && schema !== null && (Array.isArray(schema) ? schema.some(hasDefaults) : ("default" in schema && schema.default !== undefined) || Object.values(schema).some(hasDefaults));

function* validateConversion({ strategy, webhook }: CustomResourceConversion, path: string, anyReviewVersion: boolean): Generator<FieldError> {
  yield* oneOf(`${path}.strategy`, strategy, ["None", "Webhook"]);
  const { clientConfig, conversionReviewVersions: versions = [] } = webhook ?? {};
  if (strategy !== "Webhook") {
    if (clientConfig) yield forbidden(`${path}.webhookClientConfig`, "should not be set when strategy is not set to Webhook");
    if (versions.length > 0) yield forbidden(`${path}.conversionReviewVersions`, "should not be set when strategy is not set to Webhook");
    return;
  }
  if (!clientConfig) yield required(`${path}.webhookClientConfig`, "required when strategy is set to Webhook");
  else yield* validateWebhookClient(clientConfig, `${path}.webhookClientConfig`);
  const at = `${path}.conversionReviewVersions`;
  if (versions.length === 0) return yield required(at);
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) yield invalid(`${at}[${index}]`, version, "duplicate version");
    else yield* invalidEach(`${at}[${index}]`, version, dns1035LabelErrors(version));
  }
  if (!anyReviewVersion && !versions.some((version) => reviewVersions.includes(version))) yield invalid(at, versions, `must include at least one of ${reviewVersions.join(", ")}`);
}

function* validateSpec(spec: CustomResourceDefinitionSpec, anyReviewVersion: boolean, anyNumber: AnyNumberOfFields): Generator<FieldError> {
  const { group = "", scope = "", names = {} as CustomResourceDefinitionSpec["names"], versions = [], conversion } = spec;
  const problems = dns1123SubdomainErrors(group);
  if (group === "") yield required("spec.group");
  else if (problems.length > 0) yield invalid("spec.group", group, problems.join(","));
  else if (!group.includes(".")) yield invalid("spec.group", group, "should be a domain with at least one dot");
  if (scope === "") yield required("spec.scope");
  else if (scope !== "Cluster" && scope !== "Namespaced") yield notSupported("spec.scope", scope, ["Cluster", "Namespaced"]);
  const open = spec.preserveUnknownFields === true;
  if (open && versions.some(({ schema }) => hasDefaults(schema?.openAPIV3Schema))) yield invalid("spec.preserveUnknownFields", true, "must be false in order to use defaults in the schema");
  yield* validateVersions(versions, function* namesOf() {
    for (const field of ["plural", "singular", "kind", "listKind"] as const) if (absent(names[field])) yield required(`spec.names.${field}`);
    yield* validateNames(names, "spec.names");
  }, anyNumber);
  if (open && conversion && conversion.strategy !== "None") yield invalid("spec.conversion.strategy", conversion.strategy ?? "", "must be None if spec.preserveUnknownFields is true");
  if (conversion) yield* validateConversion(conversion, "spec.conversion", anyReviewVersion);
}

function* validateStoredVersions(stored: readonly string[], versions: readonly CustomResourceDefinitionVersion[]): Generator<FieldError> {
  const path = "status.storedVersions";
  if (stored.length === 0) return yield invalid(path, stored.length === 0 ? null : stored, "must have at least one stored version");
  for (const { name, storage } of versions) if (storage && !stored.includes(name)) yield invalid(path, stored, `must have the storage version ${name}`);
  for (const [index, name] of stored.entries()) {
    if (versions.some((version) => version.name === name)) continue;
    yield invalid(`${path}[${index}]`, name, `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`);
  }
}

const isUrl = (text: string): boolean => /^[A-Za-z][-+.A-Za-z0-9]*:\/\/[^/?#]+/.test(text);
type Approval = "missing" | "given" | "invalid";
const approvalOf = (text: string): Approval => (text === "" ? "missing" : text.startsWith("unapproved") || isUrl(text) ? "given" : "invalid");

/** Groups of the community's need a sign that their API was reviewed. */
function* validateApproval({ metadata, spec }: CustomResourceDefinition, previous: CustomResourceDefinition | undefined): Generator<FieldError> {
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(spec?.group ?? "")) return;
  const text = metadata.annotations?.[approvalAnnotation] ?? "";
  const state = approvalOf(text);
  if (previous !== undefined && approvalOf(previous.metadata.annotations?.[approvalAnnotation] ?? "") === state) return;
  const path = `metadata.annotations[${approvalAnnotation}]`;
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  const start = `protected groups must have approval annotation "${approvalAnnotation}"`;
  if (state === "missing") yield required(path, `${start}, ${see}`);
  else if (state === "invalid") yield invalid(path, text, `${start} with either a URL or a reason starting with "unapproved", ${see}`);
}

export function* validateDefinitionStatus({ status }: CustomResourceDefinition): Generator<FieldError> {
  yield* validateNames(status?.acceptedNames ?? {}, "status.acceptedNames");
}

/** `previous` is absent on create. */
export function* validateDefinition(definition: CustomResourceDefinition, previous?: CustomResourceDefinition): Generator<FieldError> {
  const { metadata: { name = "" }, spec = emptySpec, status } = definition;
  if (previous === undefined && name !== `${spec.names?.plural ?? ""}.${spec.group ?? ""}`) yield invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group');
  const reviewed = previous?.spec?.conversion?.webhook?.conversionReviewVersions ?? [];
  yield* validateSpec(spec, reviewed.length > 0 && !reviewed.some((version) => reviewVersions.includes(version)), (version) =>
    previous?.spec?.versions?.some((before) => before.name === version.name && semanticallyEqual(before.selectableFields, version.selectableFields)) === true);
  if (previous) {
    const established = (previous.status?.conditions ?? []).some((condition) => condition.type === "Established" && condition.status === "True");
    if (established) {
      yield* immutable("spec.scope", spec.scope ?? "", previous.spec.scope ?? "");
      yield* immutable("spec.names.kind", spec.names?.kind ?? "", previous.spec.names.kind ?? "");
    }
    yield* immutable("spec.group", spec.group ?? "", previous.spec.group ?? "");
    yield* immutable("spec.names.plural", spec.names?.plural ?? "", previous.spec.names.plural ?? "");
  }
  yield* validateDefinitionStatus(definition);
  yield* validateStoredVersions(status?.storedVersions ?? [], spec.versions ?? []);
  yield* validateApproval(definition, previous);
  if (spec.preserveUnknownFields === true && previous?.spec.preserveUnknownFields !== true) {
    yield invalid("spec.preserveUnknownFields", true, "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
  }
}
