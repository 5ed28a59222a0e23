import { duplicate, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { immutable } from "../checks.ts";
import { csidrivers, type CSIDriver, type CSIDriverSpec, type TokenRequest } from "../generated/storage-v1.ts";
import { changeField, withDefaults, without, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, yesNo } from "../printing/columns.ts";
import { orText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";

/** Missing pods of a driver stop no scheduling by default: the field is kept only where it is set already. */
const withoutGated = (driver: CSIDriver, previous: CSIDriver | undefined): CSIDriver =>
  (previous?.spec.preventPodSchedulingIfMissing === undefined ? changeField(driver, "spec", (spec) => without(spec, "preventPodSchedulingIfMissing")) : driver);

const tokenWarning = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes";
const asksForTokens = ({ spec }: CSIDriver): boolean => (spec.tokenRequests ?? []).length > 0 && spec.serviceAccountTokenInSecrets === undefined;

export const csiDriverResource = defineResource<CSIDriver>(csidrivers, {
  validateName: dnsSubdomainName,
  generation: true,
  generationFromClient: true,
  unconditionalUpdate: false,
  defaults: (driver) => changeField(withStruct(driver, "spec"), "spec", (spec) => {
    const filled = withDefaults(spec, {
      attachRequired: true, podInfoOnMount: false, storageCapacity: false, fsGroupPolicy: "ReadWriteOnceWithFSType", requiresRepublish: false, seLinuxMount: false,
    });
    return (filled.volumeLifecycleModes ?? []).length === 0 ? { ...filled, volumeLifecycleModes: ["Persistent"] } : filled;
  }),
  prepareForCreate: (driver) => withoutGated(driver, undefined),
  prepareForUpdate: (next, previous) => withoutGated(next, previous),
  validate: ({ spec }) => validateSpec(spec),
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validateSpec(next.spec));
    addAll(errors, immutable("spec.attachedRequired", next.spec.attachRequired, previous.spec.attachRequired));
    addAll(errors, immutable("spec.volumeLifecycleModes", next.spec.volumeLifecycleModes, previous.spec.volumeLifecycleModes));
    return errors;
  },
  warningsOnCreate: (driver) => (asksForTokens(driver) ? [tokenWarning] : []),
  warningsOnUpdate: (next, previous) => (asksForTokens(next) && !semanticallyEqual(next.spec.tokenRequests, previous.spec.tokenRequests) ? [tokenWarning] : []),
  columns: [
    nameColumn,
    yesNo("AttachRequired", ({ spec }) => spec.attachRequired ?? true),
    yesNo("PodInfoOnMount", ({ spec }) => spec.podInfoOnMount ?? false),
    yesNo("StorageCapacity", ({ spec }) => spec.storageCapacity ?? false),
    text("TokenRequests", ({ spec }) => (spec.tokenRequests === undefined ? "<unset>" : spec.tokenRequests.map(({ audience }) => audience).join(","))),
    yesNo("RequiresRepublish", ({ spec }) => spec.requiresRepublish ?? false),
    text("Modes", ({ spec }) => orText((spec.volumeLifecycleModes ?? []).join(","), "<none>")),
    ageColumn,
  ],
});

const groupPolicies = ["File", "None", "ReadWriteOnceWithFSType"];
const tokenSecondsMin = 600;
const tokenSecondsMax = 2 ** 32;
const updatePeriodSecondsMin = 10;

function validateTokenRequests(requests: readonly TokenRequest[], path: string): readonly FieldError[] {
  const audiences = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { audience = "", expirationSeconds }] of requests.entries()) {
    const at = `${path}[${index}]`;
    if (audiences.has(audience)) {
      errors.push(duplicate(`${at}.audience`, audience));
      continue;
    }
    audiences.add(audience);
    if (expirationSeconds === undefined) continue;
    if (expirationSeconds < tokenSecondsMin) errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration less than 10 minutes"));
    if (expirationSeconds > tokenSecondsMax) errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
  }
  return errors;
}

function validateSpec(spec: CSIDriverSpec): readonly FieldError[] {
  // The first path is upstream's misspelling of attachRequired.
  const errors: FieldError[] = [];
  for (const [field, shown] of [["attachRequired", "attachedRequired"], ["podInfoOnMount", "podInfoOnMount"], ["storageCapacity", "storageCapacity"]] as const) {
    if (spec[field] === undefined) errors.push(required(`spec.${shown}`));
  }
  if (spec.fsGroupPolicy !== undefined && !groupPolicies.includes(spec.fsGroupPolicy)) errors.push(notSupported("spec.fsGroupPolicy", spec.fsGroupPolicy, groupPolicies));
  addAll(errors, validateTokenRequests(spec.tokenRequests ?? [], "spec.tokenRequests"));
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (mode !== "Persistent" && mode !== "Ephemeral") errors.push(notSupported("spec.volumeLifecycleModes", mode, ["Persistent", "Ephemeral"]));
  }
  if (spec.seLinuxMount === undefined) errors.push(required("spec.seLinuxMount"));
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < updatePeriodSecondsMin) errors.push(invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, `must be greater than or equal to ${updatePeriodSecondsMin} seconds`));
  if (spec.serviceAccountTokenInSecrets !== undefined && (spec.tokenRequests ?? []).length === 0) {
    errors.push(invalid("spec.serviceAccountTokenInSecrets", spec.serviceAccountTokenInSecrets, "serviceAccountTokenInSecrets is set but no tokenRequests are specified"));
  }
  return errors;
}
