import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { validateSignerName } from "../core/pod-spec/validation-projections.ts";
import { semanticallyEqual } from "../strategy.ts";
import { valueDiff } from "../text-diff.ts";
import { certificatesigningrequests, type CertificateSigningRequest, type CertificateSigningRequestCondition } from "../generated/certificates-v1.ts";
import { changeEach, changeField, withField, withStruct } from "../defaulting.ts";
import { humanDuration } from "../../apimachinery/duration.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { orText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepSpec, keepStatus } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { certificatesProblem, requestProblem } from "./pem-validation.ts";

const verdicts: readonly string[] = ["Approved", "Denied"];

function statusText({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => (status?.conditions ?? []).some((condition) => condition.type === type);
  return [
    has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending",
    ...(has("Failed") ? ["Failed"] : []),
    ...((status?.certificate ?? "") === "" ? [] : ["Issued"]),
  ].join(",");
}

/** The status endpoint may not change a verdict: that is what /approval is for. Whether it adds one or takes one away, validation says. */
function keepVerdicts(next: CertificateSigningRequest, previous: CertificateSigningRequest): CertificateSigningRequest {
  const of = (request: CertificateSigningRequest, type: string): CertificateSigningRequestCondition[] => (request.status?.conditions ?? []).filter((condition) => condition.type === type);
  const same = verdicts.filter((type) => of(next, type).length === of(previous, type).length);
  const kept = new Map(same.map((type) => [type, of(previous, type)]));
  return changeField(next, "status", (status) => changeEach(status, "conditions", (condition: CertificateSigningRequestCondition) => kept.get(condition.type)?.shift() ?? condition));
}

export const certificateSigningRequestResource = defineResource<CertificateSigningRequest>(certificatesigningrequests, {
  // The name is part of nothing but a path: upstream has no rule for it.
  validateName: () => [],
  defaults: (request) => withStruct(request, "spec"),
  prepareForCreate: (request) => ({ ...request, status: {} }),
  validate: (request) => validate(request),
  validateUpdate: (next, previous) => validateUpdate(next, previous, "main"),
  tracked: { without: ["spec", "status"] },
  prepareForUpdate: (next, previous) => keepStatus(keepSpec(next, previous), previous),
  subresources: {
    status: { tracked: { without: ["spec", "status.conditions"] }, prepareForUpdate: (next, previous) => keepVerdicts(keepSpec(next, previous), previous), validateUpdate: (next, previous) => validateUpdate(next, previous, "status") },
    approval: {
      tracked: { without: ["spec", "status.certificate"] },
      prepareForUpdate: (next, previous) => ({
        ...keepSpec(next, previous),
        status: withField(previous.status ?? {}, "conditions", next.status?.conditions),
      }),
      validateUpdate: (next, previous) => validateUpdate(next, previous, "approval"),
    },
  },
  selectableFields: { "spec.signerName": ({ spec }) => spec.signerName },
  columns: [
    nameColumn, ageColumn,
    text("SignerName", ({ spec }) => orText(spec.signerName, "<none>")),
    text("Requestor", ({ spec }) => spec.username ?? ""),
    text("RequestedDuration", ({ spec }) => (spec.expirationSeconds === undefined ? "<none>" : humanDuration(spec.expirationSeconds * 1000))),
    text("Condition", statusText),
  ],
});

const allUsages = [
  "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only", "digital signature", "email protection", "encipher only",
  "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping",
];
const secondsMin = 600;
const finalTypes = ["Approved", "Denied", "Failed"] as const;

/** What was stored before there were rules for it stays. */
interface Leniency { readonly bothVerdicts: boolean; readonly duplicateTypes: boolean; readonly emptyTypes: boolean; readonly unknownUsages: boolean; readonly duplicateUsages: boolean; readonly legacySigner: boolean; readonly anyCertificate: boolean }
const newRules: Leniency = { bothVerdicts: false, duplicateTypes: false, emptyTypes: false, unknownUsages: false, duplicateUsages: false, legacySigner: false, anyCertificate: false };
const textOf = (base64 = ""): string => Buffer.from(base64, "base64").toString("latin1");

function rulesAfter(next: CertificateSigningRequest, { spec, status }: CertificateSigningRequest): Leniency {
  const types = (status?.conditions ?? []).map(({ type }) => type);
  const usages = spec.usages ?? [];
  return {
    bothVerdicts: verdicts.every((type) => types.includes(type)), duplicateTypes: new Set(types).size < types.length, emptyTypes: types.includes(""),
    unknownUsages: usages.some((usage) => !allUsages.includes(usage)), duplicateUsages: new Set(usages).size < usages.length,
    legacySigner: spec.signerName === legacySigner,
    anyCertificate: next.status?.certificate === status?.certificate || certificatesProblem(textOf(status?.certificate)) !== undefined,
  };
}
const legacySigner = "kubernetes.io/legacy-unknown";

function validateConditions(conditions: readonly CertificateSigningRequestCondition[], rules: Leniency): readonly FieldError[] {
  const path = "status.conditions";
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { type = "", status = "" }] of conditions.entries()) {
    const at = `${path}[${index}]`;
    if (type === "" && !rules.emptyTypes) errors.push(required(`${at}.type`));
    const allowed = (finalTypes as readonly string[]).includes(type) ? ["True"] : ["False", "True", "Unknown"];
    if (status === "") errors.push(required(`${at}.status`));
    else if (!allowed.includes(status)) errors.push(notSupported(`${at}.status`, status, allowed));
    if (!rules.bothVerdicts && ((type === "Approved" && seen.has("Denied")) || (type === "Denied" && seen.has("Approved")))) errors.push(invalid(path, type, "Approved and Denied conditions are mutually exclusive"));
    if (seen.has(type) && !rules.duplicateTypes) errors.push(duplicate(`${at}.type`, type));
    seen.add(type);
  }
  return errors;
}

function validate({ spec, status }: CertificateSigningRequest, rules: Leniency = newRules): readonly FieldError[] {
  const { request = "", usages = [], signerName = "", expirationSeconds } = spec ?? {};
  const problem = requestProblem(textOf(request));
  const errors: FieldError[] = [];
  if (problem !== undefined) errors.push(invalid("spec.request", spec?.request === undefined ? null : request, problem));
  if (usages.length === 0) errors.push(required("spec.usages"));
  for (const [index, usage] of usages.entries()) if (!rules.unknownUsages && !allUsages.includes(usage)) errors.push(notSupported(`spec.usages[${index}]`, usage, allUsages));
  for (const [index, usage] of usages.entries()) if (!rules.duplicateUsages && usages.indexOf(usage) < index) errors.push(duplicate(`spec.usages[${index}]`, usage));
  if (!rules.legacySigner && signerName === legacySigner) errors.push(invalid("spec.signerName", signerName, "the legacy signerName is not allowed via this API version"));
  else addAll(errors, validateSignerName(signerName, "spec.signerName"));
  if (expirationSeconds !== undefined && expirationSeconds < secondsMin) errors.push(invalid("spec.expirationSeconds", expirationSeconds, "may not specify a duration less than 600 seconds (10 minutes)"));
  addAll(errors, validateConditions(status?.conditions ?? [], rules));
  const malformed = rules.anyCertificate ? undefined : certificatesProblem(textOf(status?.certificate));
  if (malformed !== undefined) errors.push(invalid("status.certificate", "<certificate data>", malformed));
  return errors;
}

/** Verdicts stay, are given under /approval alone, and the certificate under /status alone. */
function validateUpdate(next: CertificateSigningRequest, previous: CertificateSigningRequest, way: "main" | "status" | "approval"): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validate(next, rulesAfter(next, previous)));
  const of = (request: CertificateSigningRequest, type: string): readonly CertificateSigningRequestCondition[] => (request.status?.conditions ?? []).filter((condition) => condition.type === type);
  const path = "status.conditions";
  for (const type of finalTypes) if (of(next, type).length < of(previous, type).length) errors.push(forbidden(path, `updates may not remove a condition of type ${JSON.stringify(type)}`));
  if (way !== "approval") {
    for (const type of verdicts) {
      const [now, before] = [of(next, type), of(previous, type)];
      if (now.length > before.length) errors.push(forbidden(path, `updates may not add a condition of type ${JSON.stringify(type)}`));
      else if (now.length === before.length && !semanticallyEqual(now, before)) errors.push(forbidden(path, `updates may not modify a condition of type ${JSON.stringify(type)}\n${valueDiff(before, now)}`));
    }
  }
  const [certificate, old] = [next.status?.certificate ?? "", previous.status?.certificate ?? ""];
  if (certificate === old) return errors;
  if (way !== "status") errors.push(forbidden("status.certificate", "updates may not set certificate content"));
  else if (old !== "") errors.push(forbidden("status.certificate", "updates may not modify existing certificate content"));
  return errors;
}
