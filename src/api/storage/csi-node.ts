import { duplicate, invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, atLeastZero, qualifiedName } from "../checks.ts";
import { validateCsiDriverName } from "../core/pod-spec/validation-volume-parts.ts";
import { without, withStruct } from "../defaulting.ts";
import { csinodes, type CSINode, type CSINodeDriver } from "../generated/storage-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn } from "../printing/columns.ts";
import { csiNodeDriverFields, goForm } from "../go-form.ts";
import { semanticallyEqual } from "../strategy.ts";
import { defineResource } from "../resource.ts";

const nodeIdBytesMax = 256;

function* validateDriver({ name, nodeID, allocatable, topologyKeys: keys }: CSINodeDriver, path: string, seen: ReadonlySet<string>): Generator<FieldError> {
  const topologyKeys = keys ?? [];
  yield* validateCsiDriverName(name, `${path}.name`);
  if (absent(nodeID)) yield required(`${path}.nodeID`);
  else if (utf8Length(nodeID) > nodeIdBytesMax) yield invalid(`${path}.nodeID`, nodeID, `must be ${nodeIdBytesMax} characters or less`);
  yield* atLeastZero(`${path}.allocatable.count`, allocatable?.count);
  if (seen.has(name)) yield duplicate(`${path}.name`, name);
  for (const [index, key] of topologyKeys.entries()) {
    if (key === "") yield required(path);
    if (topologyKeys.indexOf(key) < index) yield duplicate(path, key);
    yield* qualifiedName(path, key);
  }
}

function* validate({ spec }: CSINode): Generator<FieldError> {
  const seen = new Set<string>();
  for (const [index, driver] of (spec?.drivers ?? []).entries()) {
    yield* validateDriver(driver, `spec.drivers[${index}]`, seen);
    seen.add(driver.name);
  }
}

export const csiNodeResource = defineResource<CSINode>(csinodes, {
  validateName: dnsSubdomainName,
  unconditionalUpdate: false,
  defaults: (node) => withStruct(node, "spec"),
  validate,
  *validateUpdate(next, previous) {
    yield* validate(next);
    // How many volumes fit may change; anything else about a driver that is there may not.
    for (const before of previous.spec.drivers ?? []) {
      for (const now of next.spec.drivers ?? []) {
        if (now.name === before.name) {
          if (!semanticallyEqual(without(now, "allocatable"), without(before, "allocatable"))) yield invalid("spec.drivers", goForm(without(now, "allocatable"), csiNodeDriverFields), "field is immutable");
        }
      }
    }
  },
  columns: [nameColumn, integer("Drivers", ({ spec }) => (spec.drivers ?? []).length), ageColumn],
});
