import { invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1035LabelErrors, portNumberErrors } from "../../apimachinery/validation.ts";
import { absent, dnsSubdomain, invalidEach } from "../checks.ts";
import { apiservices, type APIService, type APIServiceSpec } from "../generated/apiregistration-v1.ts";
import { changeField, withDefaults, withField } from "../defaulting.ts";
import { pathSegmentName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepSpec, keepStatus } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";

function serviceText({ spec }: APIService): string {
  return spec?.service === undefined ? "Local" : `${spec.service.namespace ?? ""}/${spec.service.name ?? ""}`;
}
function availableText({ status }: APIService): string {
  const available = status?.conditions?.find(({ type }) => type === "Available");
  if (available === undefined) return "Unknown";
  return available.status === "True" ? "True" : `${available.status} (${available.reason ?? ""})`;
}

export const apiServiceResource = defineResource<APIService>(apiservices, {
  validateName: pathSegmentName,
  anyFinalizer: true,
  unconditionalUpdate: false,
  defaults: (service) => changeField(service, "spec", (spec) => changeField(spec, "service", (reference) => withDefaults(reference, { port: 443 }))),
  // What the server serves itself is there from the start.
  prepareForCreate: (service) => ({
    ...service,
    status: service.spec?.service !== undefined ? {} : {
      conditions: [{
        type: "Available", status: "True", reason: "Local", message: "Local APIServices are always available",
        ...(service.metadata.creationTimestamp !== undefined && service.metadata.creationTimestamp !== null && { lastTransitionTime: service.metadata.creationTimestamp }),
      }],
    },
  }),
  prepareForUpdate: keepStatus,
  subresources: {
    status: {
      tracked: { without: ["spec", "metadata"] },
      // Metadata that says whose the object is stays with the main way of writing.
      prepareForUpdate: (next, previous) => {
        let { metadata } = keepSpec(next, previous);
        for (const field of ["labels", "annotations", "finalizers", "ownerReferences"] as const) metadata = withField(metadata, field, previous.metadata[field]);
        return { ...keepSpec(next, previous), metadata };
      },
      validateUpdate: validateStatus,
    },
  },
  validate,
  validateUpdate: (next) => validate(next),
  columns: [nameColumn, text("Service", serviceText), text("Available", availableText), ageColumn],
});

const emptySpec = {} as APIServiceSpec;
const groupPriorityMax = 20_000;
const versionPriorityMax = 1000;

function validate({ metadata: { name = "" }, spec = emptySpec }: APIService): readonly FieldError[] {
  const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0, service, caBundle, insecureSkipTLSVerify = false } = spec;
  const nameWanted = `${version}.${group}`;
  const errors: FieldError[] = [];
  if (name !== "" && name !== nameWanted && !/[/%]/.test(name)) errors.push(invalid("metadata.name", name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(nameWanted)}`));
  if (group === "" && version !== "v1") errors.push(required("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  if (group !== "") addAll(errors, dnsSubdomain("spec.group", group));
  addAll(errors, invalidEach("spec.version", version, dns1035LabelErrors(version)));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > groupPriorityMax) errors.push(invalid("spec.groupPriorityMinimum", groupPriorityMinimum, `must be positive and less than ${groupPriorityMax}`));
  if (versionPriority <= 0 || versionPriority > versionPriorityMax) errors.push(invalid("spec.versionPriority", versionPriority, `must be positive and less than ${versionPriorityMax}`));
  if (!service) {
    if (!absent(caBundle)) errors.push(invalid("spec.caBundle", `${Buffer.from(caBundle, "base64").length} bytes`, "local APIServices may not have a caBundle"));
    if (insecureSkipTLSVerify) errors.push(invalid("spec.insecureSkipTLSVerify", insecureSkipTLSVerify, "local APIServices may not have insecureSkipTLSVerify"));
    return errors;
  }
  if (absent(service.namespace)) errors.push(required("spec.service.namespace"));
  if (absent(service.name)) errors.push(required("spec.service.name"));
  const problems = portNumberErrors(service.port ?? 0);
  if (problems.length > 0) errors.push(invalid("spec.service.port", service.port ?? 0, `port is not valid: ${problems.join(", ")}`));
  if (insecureSkipTLSVerify && !absent(caBundle)) errors.push(invalid("spec.insecureSkipTLSVerify", insecureSkipTLSVerify, "may not be true if caBundle is present"));
  return errors;
}

function validateStatus({ status }: APIService): readonly FieldError[] {
  const statuses = ["True", "False", "Unknown"];
  const errors: FieldError[] = [];
  for (const [index, condition] of (status?.conditions ?? []).entries()) {
    if (!statuses.includes(condition.status)) errors.push(notSupported(`status.conditions[${index}].status`, condition.status ?? "", statuses));
  }
  return errors;
}
