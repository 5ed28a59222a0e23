import { ipaddresses, type IPAddress } from "../generated/networking-v1.ts";
import { nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { canonicalIpProblems } from "../ip.ts";

function parentText({ spec }: IPAddress): string {
  if (spec?.parentRef === undefined) return "<none>";
  const { group = "", resource, namespace = "", name } = spec.parentRef;
  const kind = (group === "" ? resource : `${resource}.${group}`).toLowerCase();
  return namespace === "" ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

export const ipAddressResource = defineResource<IPAddress>(ipaddresses, {
  validateName: (name) => canonicalIpProblems(name),
  columns: [nameColumn, text("ParentRef", parentText)],
});
