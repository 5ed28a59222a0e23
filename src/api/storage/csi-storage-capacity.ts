import { type FieldError } from "../../apimachinery/field-error.ts";
import { labelSelectorErrors } from "../../apimachinery/validation.ts";
import { dnsSubdomain, immutable, quantityAtLeastZero } from "../checks.ts";
import { nodeSelectorWarnings } from "../core/deprecated-node-labels.ts";
import { canonicalAmount } from "../core/resource-list.ts";
import { changeField } from "../defaulting.ts";
import { csistoragecapacities, type CSIStorageCapacity } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";

function* validate({ nodeTopology, storageClassName, capacity }: CSIStorageCapacity, options: { readonly allowInvalidValues: boolean }): Generator<FieldError> {
  yield* labelSelectorErrors("nodeTopology", nodeTopology, options);
  yield* dnsSubdomain("storageClassName", storageClassName ?? "");
  if (capacity !== undefined) yield* quantityAtLeastZero("capacity", capacity);
}

export const csiStorageCapacityResource = defineResource<CSIStorageCapacity>(csistoragecapacities, {
  validateName: dnsSubdomainName,
  unconditionalUpdate: false,
  defaults: (capacity) => changeField(changeField(capacity, "capacity", canonicalAmount), "maximumVolumeSize", canonicalAmount),
  validate: (capacity) => validate(capacity, { allowInvalidValues: false }),
  *validateUpdate(next, previous) {
    yield* validate(next, { allowInvalidValues: labelSelectorErrors("nodeTopology", previous.nodeTopology).length > 0 });
    yield* immutable("nodeTopology", next.nodeTopology, previous.nodeTopology);
    yield* immutable("storageClassName", next.storageClassName ?? "", previous.storageClassName ?? "");
  },
  warningsOnCreate: ({ nodeTopology }) => [...nodeSelectorWarnings(nodeTopology, "nodeTopology")],
  warningsOnUpdate: ({ nodeTopology }) => [...nodeSelectorWarnings(nodeTopology, "nodeTopology")],
});
