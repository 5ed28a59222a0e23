import { certificatesigningrequests, type CertificateSigningRequest, type CertificateSigningRequestCondition } from "../generated/certificates-v1.ts";
import { changeField, withDefaults, changeEach } from "../defaulting.ts";
import { humanDuration } from "../../apimachinery/duration.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { orText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepSpec, keepStatus } from "../strategy.ts";

const verdicts: readonly string[] = ["Approved", "Denied"];

function statusText({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => (status?.conditions ?? []).some((condition) => condition.type === type);
  return [
    has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending",
    ...(has("Failed") ? ["Failed"] : []),
    ...((status?.certificate ?? "") === "" ? [] : ["Issued"]),
  ].join(",");
}

/** The status endpoint may neither add nor take away a verdict: that is what /approval is for. */
function keepVerdicts(next: CertificateSigningRequest, previous: CertificateSigningRequest): CertificateSigningRequest {
  const others = (next.status?.conditions ?? []).filter(({ type }) => !verdicts.includes(type));
  const kept: readonly CertificateSigningRequestCondition[] = (previous.status?.conditions ?? []).filter(({ type }) => verdicts.includes(type));
  const conditions = [...kept, ...others];
  return { ...next, status: { ...next.status, ...(conditions.length > 0 && { conditions }) } };
}

export const certificateSigningRequestResource = defineResource<CertificateSigningRequest>(certificatesigningrequests, {
  // The name is part of nothing but a path: upstream has no rule for it.
  validateName: () => [],
  defaults: (request) => {
    const usages = (request.spec?.usages ?? []).length === 0 ? changeField(request, "spec", (spec) => ({ ...spec, usages: ["digital signature", "key encipherment"] })) : request;
    return changeField(usages, "status", (status) => changeEach(status, "conditions", (condition) => withDefaults(condition, { status: "True" })));
  },
  prepareForCreate: (request) => ({ ...request, status: {} }),
  prepareForUpdate: (next, previous) => keepStatus(keepSpec(next, previous), previous),
  subresources: {
    status: { prepareForUpdate: (next, previous) => keepVerdicts(keepSpec(next, previous), previous), validateUpdate: () => [] },
    approval: {
      prepareForUpdate: (next, previous) => ({
        ...keepSpec(next, previous),
        status: { ...previous.status, ...(next.status?.conditions !== undefined && { conditions: next.status.conditions }) },
      }),
      validateUpdate: () => [],
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
