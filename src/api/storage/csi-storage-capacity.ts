import { type FieldError } from "../../apimachinery/field-error.ts";
import { labelSelectorErrors } from "../../apimachinery/validation.ts";
import { dnsSubdomain, immutable, quantityAtLeastZero } from "../checks.ts";
import { nodeSelectorWarnings } from "../core/deprecated-node-labels.ts";
import { canonicalAmount } from "../core/resource-list.ts";
import { changeField } from "../defaulting.ts";
import { csistoragecapacities, type CSIStorageCapacity } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

function validate({ nodeTopology, storageClassName, capacity }: CSIStorageCapacity, options: { readonly allowInvalidValues: boolean }): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, labelSelectorErrors("nodeTopology", nodeTopology, options));
  addAll(errors, dnsSubdomain("storageClassName", storageClassName ?? ""));
  if (capacity !== undefined) addAll(errors, quantityAtLeastZero("capacity", capacity));
  return errors;
}

export const csiStorageCapacityResource = defineResource<CSIStorageCapacity>(csistoragecapacities, {
  validateName: dnsSubdomainName,
  unconditionalUpdate: false,
  defaults: (capacity) => changeField(changeField(capacity, "capacity", canonicalAmount), "maximumVolumeSize", canonicalAmount),
  validate: (capacity) => validate(capacity, { allowInvalidValues: false }),
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validate(next, { allowInvalidValues: labelSelectorErrors("nodeTopology", previous.nodeTopology).length > 0 }));
    addAll(errors, immutable("nodeTopology", next.nodeTopology, previous.nodeTopology));
    addAll(errors, immutable("storageClassName", next.storageClassName ?? "", previous.storageClassName ?? ""));
    return errors;
  },
  warningsOnCreate: ({ nodeTopology }) => [...nodeSelectorWarnings(nodeTopology, "nodeTopology")],
  warningsOnUpdate: ({ nodeTopology }) => [...nodeSelectorWarnings(nodeTopology, "nodeTopology")],
});
