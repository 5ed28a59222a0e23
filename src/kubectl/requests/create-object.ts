import { apiVersionOf } from "../../apimachinery/object.ts";
import { pathOf, type ServedResource } from "../discovery.ts";
import type { Flag, ParsedFlags } from "../flags.ts";
import { dryRunFlag, outputFlags, validateFlag } from "../global-flags.ts";
import { withLastAppliedInOrder } from "../last-applied.ts";
import { changePrinter, dryRunOf, operationOf, type DryRun } from "../printers/printer.ts";
import { inTypedOrder } from "../typed-order.ts";
import type { Json, Session } from "../session.ts";

export const changeFlags = (manager: string): readonly Flag[] => [
  ...outputFlags, dryRunFlag, validateFlag, { name: "field-manager", type: "string", default: manager }, { name: "save-config", type: "bool" },
];

export function fieldValidationOf(flags: ParsedFlags): string {
  const value = flags.text("validate");
  if (value === "true" || value === "strict") return "Strict";
  if (value === "false" || value === "ignore") return "Ignore";
  if (value === "warn") return "Warn";
  throw new Error(`invalid - validate option ${JSON.stringify(value)}; must be one of: strict (or true), warn, ignore (or false)`);
}

export interface CreateOptions {
  readonly dryRun: DryRun;
  readonly fieldManager: string;
  readonly fieldValidation?: string;
}

export const createObject = (session: Session, mapping: ServedResource, namespace: string, object: Json, { dryRun, fieldManager, fieldValidation }: CreateOptions): Promise<Json> => session.json({
  method: "POST", path: pathOf(mapping, { namespace }), resource: mapping.resource, body: object,
  query: { ...(dryRun === "server" && { dryRun: "All" }), fieldManager, ...(fieldValidation !== undefined && { fieldValidation }) },
});

/** Makes and prints one object that the command has built itself; it is printed in the order of its fields. */
export async function createBuilt(session: Session, flags: ParsedFlags, object: Json): Promise<void> {
  const dryRun = dryRunOf(flags, (line) => session.warn(line));
  const print = changePrinter(flags, operationOf("created", dryRun), { keepOrder: dryRun === "client" });
  const { namespace, explicit } = await session.namespace();
  const sent = flags.bool("save-config") ? withLastAppliedInOrder(object) : object;
  const [group = "", version = ""] = String(object["apiVersion"]).includes("/") ? String(object["apiVersion"]).split("/") : ["", String(object["apiVersion"])];
  const mapping = (await session.discovery()).ofKind(group, version, String(object["kind"]));
  if (!mapping) throw new Error(`no matches for kind ${JSON.stringify(object["kind"])} in version ${JSON.stringify(apiVersionOf({ group, version }))}`);
  if (dryRun === "client") {
    const placed = explicit && mapping.namespaced ? { ...sent, metadata: { ...(sent["metadata"] as Json), namespace } } : sent;
    session.stdout.write(print(inTypedOrder(placed)));
    return;
  }
  session.stdout.write(print(await createObject(session, mapping, mapping.namespaced ? namespace : "", sent, { dryRun, fieldManager: flags.text("field-manager"), fieldValidation: fieldValidationOf(flags) })));
}
