import { controllerOf, splitApiVersion } from "../../apimachinery/object.ts";
import { controllerrevisions, type ControllerRevision } from "../generated/apps-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

function controllerText(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (owner === undefined) return "<none>";
  const { group } = splitApiVersion(owner.apiVersion);
  return `${(group === "" ? owner.kind : `${owner.kind}.${group}`).toLowerCase()}/${owner.name}`;
}

export const controllerRevisionResource = defineResource<ControllerRevision>(controllerrevisions, {
  validateName: dnsSubdomainName,
  columns: [nameColumn, text("Controller", controllerText), text("Revision", ({ revision }) => revision), ageColumn],
});
