import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors } from "../../apimachinery/validation.ts";
import { absent, immutable, invalidEach, oneOf } from "../checks.ts";
import type {
  CustomResourceColumnDefinition, CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, CustomResourceSubresources,
} from "../generated/apiextensions-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { validateWebhookClient } from "../webhook-client.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validateNames } from "./names-validation.ts";
import { validateSchema } from "./schema-validation.ts";
import { validateSelectableFields } from "./selectable-fields.ts";

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const reviewVersions = ["v1", "v1beta1"];
const deprecationWarningMax = 256;
const approvalAnnotation = "api-approved.kubernetes.io";
const emptySpec = {} as CustomResourceDefinitionSpec;

function validateJsonPath(value: string, path: string, roots: readonly string[], detail: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!value.startsWith(".")) errors.push(invalid(path, value, "must be a simple json path starting with ."));
  else if (roots.length > 0 && !roots.some((root) => value.startsWith(root))) errors.push(invalid(path, value, detail));
  return errors;
}

function validateSubresources({ scale }: CustomResourceSubresources, path: string): readonly FieldError[] {
  if (!scale) return [];
  const errors: FieldError[] = [];
  for (const [field, root] of [["specReplicasPath", ".spec"], ["statusReplicasPath", ".status"]] as const) {
    const value = scale[field];
    if (absent(value)) errors.push(required(`${path}.scale.${field}`));
    else addAll(errors, validateJsonPath(value, `${path}.scale.${field}`, [`${root}.`], `should be a json path under ${root}`));
  }
  if (!absent(scale.labelSelectorPath)) addAll(errors, validateJsonPath(scale.labelSelectorPath, `${path}.scale.labelSelectorPath`, [".spec.", ".status."], "should be a json path under either .spec or .status"));
  return errors;
}

function validateColumn({ name, type, format, jsonPath }: CustomResourceColumnDefinition, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(name)) errors.push(required(`${path}.name`));
  const known = `must be one of ${columnTypes.join(",")}`;
  if (absent(type)) errors.push(required(`${path}.type`, known));
  else if (!columnTypes.includes(type)) errors.push(invalid(`${path}.type`, type, known));
  if (!absent(format) && !columnFormats.includes(format)) errors.push(invalid(`${path}.format`, format, `must be one of ${columnFormats.join(",")}`));
  if (absent(jsonPath)) errors.push(required(`${path}.JSONPath`));
  else addAll(errors, validateJsonPath(jsonPath, `${path}.JSONPath`, [], ""));
  return errors;
}

function validateDeprecation({ deprecated = false, deprecationWarning: warning }: CustomResourceDefinitionVersion, path: string): readonly FieldError[] {
  if (warning === undefined) return [];
  if (!deprecated) return [invalid(path, warning, "can only be set for deprecated versions")];
  const errors: FieldError[] = [];
  if (Buffer.byteLength(warning) > deprecationWarningMax) errors.push(invalid(path, warning, `must be <= ${deprecationWarningMax} characters long`));
  if (warning === "") errors.push(invalid(path, warning, "must not be an empty string"));
  const control = /\p{C}/u.exec(warning);
  if (control) errors.push(invalid(path, warning, `must only contain printable UTF-8 characters; non-printable character found at index ${Buffer.byteLength(warning.slice(0, control.index))}`));
  return errors;
}

/** Where something of all versions is reported: in one place when it is the same in each, as it always is with one version. */
function placesOf(versions: readonly CustomResourceDefinitionVersion[], field: "schema" | "subresources" | "additionalPrinterColumns" | "selectableFields", whole: string): (index: number) => string | undefined {
  const same = versions.every((version) => semanticallyEqual(version[field], versions[0]?.[field]));
  return (index) => (!same ? `spec.versions[${index}].${field}` : index === 0 ? whole : undefined);
}

function validateVersion(version: CustomResourceDefinitionVersion, schemaAt: string | undefined, subresourcesAt: string | undefined, columnsAt: string | undefined): readonly FieldError[] {
  const { schema, subresources, additionalPrinterColumns: columns = [] } = version;
  const errors: FieldError[] = [];
  if (schemaAt !== undefined && schema?.openAPIV3Schema) addAll(errors, validateSchema(schema.openAPIV3Schema, `${schemaAt}.openAPIV3Schema`, { status: subresources?.status !== undefined }));
  if (subresourcesAt !== undefined && subresources) addAll(errors, validateSubresources(subresources, subresourcesAt));
  if (columnsAt !== undefined) for (const [index, column] of columns.entries()) addAll(errors, validateColumn(column, `${columnsAt}[${index}]`));
  return errors;
}

type Places = Readonly<Record<"schema" | "subresources" | "columns" | "fields", (index: number) => string | undefined>>;
/** Too many selectable fields stay where they were. */
type AnyNumberOfFields = (version: CustomResourceDefinitionVersion) => boolean;

/** What is the same in all versions is reported once, after all that is each version's own. */
function validateSharedParts(first: CustomResourceDefinitionVersion, places: Places, anyNumber: AnyNumberOfFields): readonly FieldError[] {
  const shared = (place: string | undefined): string | undefined => (place?.startsWith("spec.versions[") === true ? undefined : place);
  const errors: FieldError[] = [];
  addAll(errors, validateVersion(first, shared(places.schema(0)), shared(places.subresources(0)), shared(places.columns(0))));
  const fieldsAt = shared(places.fields(0));
  if (fieldsAt === undefined) return errors;
  const schema = shared(places.schema(0)) === undefined ? undefined : first.schema?.openAPIV3Schema;
  addAll(errors, validateSelectableFields(first.selectableFields ?? [], schema, fieldsAt, { anyNumber: anyNumber(first) }));
  return errors;
}

function validateOwnParts(version: CustomResourceDefinitionVersion, index: number, places: Places, anyNumber: AnyNumberOfFields): readonly FieldError[] {
  const own = (place: string | undefined): string | undefined => (place?.startsWith("spec.versions[") === true ? place : undefined);
  const [schemaAt, fieldsAt] = [own(places.schema(index)), own(places.fields(index))];
  const errors: FieldError[] = [];
  addAll(errors, validateVersion(version, schemaAt, own(places.subresources(index)), own(places.columns(index))));
  if (fieldsAt === undefined) return errors;
  addAll(errors, validateSelectableFields(version.selectableFields ?? [], schemaAt === undefined ? undefined : version.schema?.openAPIV3Schema, fieldsAt, { anyNumber: anyNumber(version) }));
  return errors;
}

function validateVersions(versions: readonly CustomResourceDefinitionVersion[], names: () => Iterable<FieldError>, anyNumber: AnyNumberOfFields): readonly FieldError[] {
  const path = "spec.versions";
  const errors: FieldError[] = [];
  for (const [index, { schema }] of versions.entries()) if (!schema?.openAPIV3Schema) errors.push(required(`${path}[${index}].schema.openAPIV3Schema`));
  const places: Places = {
    schema: placesOf(versions, "schema", "spec.validation"), subresources: placesOf(versions, "subresources", "spec.subresources"),
    columns: placesOf(versions, "additionalPrinterColumns", "spec.additionalPrinterColumns"), fields: placesOf(versions, "selectableFields", "spec.selectableFields"),
  };
  for (const [index, version] of versions.entries()) {
    const problems = dns1035LabelErrors(version.name ?? "");
    if (problems.length > 0) errors.push(invalid(`${path}[${index}].name`, version.name ?? "", problems.join(",")));
    addAll(errors, validateDeprecation(version, `${path}[${index}].deprecationWarning`));
    addAll(errors, validateOwnParts(version, index, places, anyNumber));
  }
  if (new Set(versions.map(({ name }) => name)).size < versions.length) errors.push(invalid(path, versions, "must contain unique version names"));
  if (versions.filter(({ storage }) => storage).length !== 1) errors.push(invalid(path, versions.length === 0 ? null : versions, "must have exactly one version marked as storage version"));
  const [first] = versions;
  // The first version was once a field of its own, and is looked at as such too.
  const name = first?.name ?? "";
  const problems = name === "" ? [] : dns1035LabelErrors(name);
  if (problems.length > 0) errors.push(invalid("spec.version", name, problems.join(",")));
  addAll(errors, names());
  if (first) addAll(errors, validateSharedParts(first, places, anyNumber));
  return errors;
}

const hasDefaults = (schema: unknown): boolean =>
  typeof schema === "object" && schema !== null && (Array.isArray(schema) ? schema.some(hasDefaults) : ("default" in schema && schema.default !== undefined) || Object.values(schema).some(hasDefaults));

function validateConversion({ strategy, webhook }: CustomResourceConversion, path: string, anyReviewVersion: boolean): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, oneOf(`${path}.strategy`, strategy, ["None", "Webhook"]));
  const { clientConfig, conversionReviewVersions: versions = [] } = webhook ?? {};
  if (strategy !== "Webhook") {
    if (clientConfig) errors.push(forbidden(`${path}.webhookClientConfig`, "should not be set when strategy is not set to Webhook"));
    if (versions.length > 0) errors.push(forbidden(`${path}.conversionReviewVersions`, "should not be set when strategy is not set to Webhook"));
    return errors;
  }
  if (!clientConfig) errors.push(required(`${path}.webhookClientConfig`, "required when strategy is set to Webhook"));
  else addAll(errors, validateWebhookClient(clientConfig, `${path}.webhookClientConfig`));
  const at = `${path}.conversionReviewVersions`;
  if (versions.length === 0) return [...errors, required(at)];
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) errors.push(invalid(`${at}[${index}]`, version, "duplicate version"));
    else addAll(errors, invalidEach(`${at}[${index}]`, version, dns1035LabelErrors(version)));
  }
  if (!anyReviewVersion && !versions.some((version) => reviewVersions.includes(version))) errors.push(invalid(at, versions, `must include at least one of ${reviewVersions.join(", ")}`));
  return errors;
}

function validateSpec(spec: CustomResourceDefinitionSpec, anyReviewVersion: boolean, anyNumber: AnyNumberOfFields): readonly FieldError[] {
  const { group = "", scope = "", names = {} as CustomResourceDefinitionSpec["names"], versions = [], conversion } = spec;
  const problems = dns1123SubdomainErrors(group);
  const errors: FieldError[] = [];
  if (group === "") errors.push(required("spec.group"));
  else if (problems.length > 0) errors.push(invalid("spec.group", group, problems.join(",")));
  else if (!group.includes(".")) errors.push(invalid("spec.group", group, "should be a domain with at least one dot"));
  if (scope === "") errors.push(required("spec.scope"));
  else if (scope !== "Cluster" && scope !== "Namespaced") errors.push(notSupported("spec.scope", scope, ["Cluster", "Namespaced"]));
  const open = spec.preserveUnknownFields === true;
  if (open && versions.some(({ schema }) => hasDefaults(schema?.openAPIV3Schema))) errors.push(invalid("spec.preserveUnknownFields", true, "must be false in order to use defaults in the schema"));
  addAll(errors, validateVersions(versions, () => {
    const errors: FieldError[] = [];
    for (const field of ["plural", "singular", "kind", "listKind"] as const) if (absent(names[field])) errors.push(required(`spec.names.${field}`));
    addAll(errors, validateNames(names, "spec.names"));
    return errors;
  }, anyNumber));
  if (open && conversion && conversion.strategy !== "None") errors.push(invalid("spec.conversion.strategy", conversion.strategy ?? "", "must be None if spec.preserveUnknownFields is true"));
  if (conversion) addAll(errors, validateConversion(conversion, "spec.conversion", anyReviewVersion));
  return errors;
}

function validateStoredVersions(stored: readonly string[], versions: readonly CustomResourceDefinitionVersion[]): readonly FieldError[] {
  const path = "status.storedVersions";
  if (stored.length === 0) return [invalid(path, stored.length === 0 ? null : stored, "must have at least one stored version")];
  const errors: FieldError[] = [];
  for (const { name, storage } of versions) if (storage && !stored.includes(name)) errors.push(invalid(path, stored, `must have the storage version ${name}`));
  for (const [index, name] of stored.entries()) {
    if (versions.some((version) => version.name === name)) continue;
    errors.push(invalid(`${path}[${index}]`, name, `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`));
  }
  return errors;
}

const isUrl = (text: string): boolean => /^[A-Za-z][-+.A-Za-z0-9]*:\/\/[^/?#]+/.test(text);
type Approval = "missing" | "given" | "invalid";
const approvalOf = (text: string): Approval => (text === "" ? "missing" : text.startsWith("unapproved") || isUrl(text) ? "given" : "invalid");

/** Groups of the community's need a sign that their API was reviewed. */
function validateApproval({ metadata, spec }: CustomResourceDefinition, previous: CustomResourceDefinition | undefined): readonly FieldError[] {
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(spec?.group ?? "")) return [];
  const text = metadata.annotations?.[approvalAnnotation] ?? "";
  const state = approvalOf(text);
  if (previous !== undefined && approvalOf(previous.metadata.annotations?.[approvalAnnotation] ?? "") === state) return [];
  const path = `metadata.annotations[${approvalAnnotation}]`;
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  const start = `protected groups must have approval annotation "${approvalAnnotation}"`;
  const errors: FieldError[] = [];
  if (state === "missing") errors.push(required(path, `${start}, ${see}`));
  else if (state === "invalid") errors.push(invalid(path, text, `${start} with either a URL or a reason starting with "unapproved", ${see}`));
  return errors;
}

export function validateDefinitionStatus({ status }: CustomResourceDefinition): readonly FieldError[] {
  return validateNames(status?.acceptedNames ?? {}, "status.acceptedNames");
}

/** `previous` is absent on create. */
export function validateDefinition(definition: CustomResourceDefinition, previous?: CustomResourceDefinition): readonly FieldError[] {
  const { metadata: { name = "" }, spec = emptySpec, status } = definition;
  const errors: FieldError[] = [];
  if (previous === undefined && name !== `${spec.names?.plural ?? ""}.${spec.group ?? ""}`) errors.push(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'));
  const reviewed = previous?.spec?.conversion?.webhook?.conversionReviewVersions ?? [];
  addAll(errors, validateSpec(spec, reviewed.length > 0 && !reviewed.some((version) => reviewVersions.includes(version)), (version) =>
    previous?.spec?.versions?.some((before) => before.name === version.name && semanticallyEqual(before.selectableFields, version.selectableFields)) === true));
  if (previous) {
    const established = (previous.status?.conditions ?? []).some((condition) => condition.type === "Established" && condition.status === "True");
    if (established) {
      addAll(errors, immutable("spec.scope", spec.scope ?? "", previous.spec.scope ?? ""));
      addAll(errors, immutable("spec.names.kind", spec.names?.kind ?? "", previous.spec.names.kind ?? ""));
    }
    addAll(errors, immutable("spec.group", spec.group ?? "", previous.spec.group ?? ""));
    addAll(errors, immutable("spec.names.plural", spec.names?.plural ?? "", previous.spec.names.plural ?? ""));
  }
  addAll(errors, validateDefinitionStatus(definition));
  addAll(errors, validateStoredVersions(status?.storedVersions ?? [], spec.versions ?? []));
  addAll(errors, validateApproval(definition, previous));
  if (spec.preserveUnknownFields === true && previous?.spec.preserveUnknownFields !== true) {
    errors.push(invalid("spec.preserveUnknownFields", true, "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"));
  }
  return errors;
}
