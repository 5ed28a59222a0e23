import { duplicate, invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, atLeastZero, qualifiedName } from "../checks.ts";
import { validateCsiDriverName } from "../core/pod-spec/validation-volume-parts.ts";
import { without, withStruct } from "../defaulting.ts";
import { csinodes, type CSINode, type CSINodeDriver } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn } from "../printing/columns.ts";
import { goForm } from "../go-form.ts";
import { semanticallyEqual } from "../strategy.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

const nodeIdBytesMax = 256;

function validateDriver({ name, nodeID, allocatable, topologyKeys: keys }: CSINodeDriver, path: string, seen: ReadonlySet<string>): readonly FieldError[] {
  const topologyKeys = keys ?? [];
  const errors: FieldError[] = [];
  addAll(errors, validateCsiDriverName(name, `${path}.name`));
  if (absent(nodeID)) errors.push(required(`${path}.nodeID`));
  else if (utf8Length(nodeID) > nodeIdBytesMax) errors.push(invalid(`${path}.nodeID`, nodeID, `must be ${nodeIdBytesMax} characters or less`));
  addAll(errors, atLeastZero(`${path}.allocatable.count`, allocatable?.count));
  if (seen.has(name)) errors.push(duplicate(`${path}.name`, name));
  for (const [index, key] of topologyKeys.entries()) {
    if (key === "") errors.push(required(path));
    if (topologyKeys.indexOf(key) < index) errors.push(duplicate(path, key));
    addAll(errors, qualifiedName(path, key));
  }
  return errors;
}

function validate({ spec }: CSINode): readonly FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, driver] of (spec?.drivers ?? []).entries()) {
    addAll(errors, validateDriver(driver, `spec.drivers[${index}]`, seen));
    seen.add(driver.name);
  }
  return errors;
}

export const csiNodeResource = defineResource<CSINode>(csinodes, {
  validateName: dnsSubdomainName,
  unconditionalUpdate: false,
  defaults: (node) => withStruct(node, "spec"),
  validate,
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validate(next));
    // How many volumes fit may change; anything else about a driver that is there may not.
    for (const before of previous.spec.drivers ?? []) {
      for (const now of next.spec.drivers ?? []) {
        if (now.name === before.name) {
          if (!semanticallyEqual(without(now, "allocatable"), without(before, "allocatable"))) errors.push(invalid("spec.drivers", goForm(without(now, "allocatable"), "CSINodeDriver"), "field is immutable"));
        }
      }
    }
    return errors;
  },
  columns: [nameColumn, integer("Drivers", ({ spec }) => (spec.drivers ?? []).length), ageColumn],
});
