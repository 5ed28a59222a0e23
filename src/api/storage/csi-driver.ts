import { csidrivers, type CSIDriver } from "../generated/storage-v1.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, yesNo } from "../printing/columns.ts";
import { orText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";

export const csiDriverResource = defineResource<CSIDriver>(csidrivers, {
  validateName: dnsSubdomainName,
  unconditionalUpdate: false,
  defaults: (driver) => changeField(withStruct(driver, "spec"), "spec", (spec) => {
    const filled = withDefaults(spec, {
      attachRequired: true, podInfoOnMount: false, storageCapacity: false, fsGroupPolicy: "ReadWriteOnceWithFSType", requiresRepublish: false, seLinuxMount: false,
    });
    return (filled.volumeLifecycleModes ?? []).length === 0 ? { ...filled, volumeLifecycleModes: ["Persistent"] } : filled;
  }),
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
