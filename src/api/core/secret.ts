import { secrets, type Secret } from "../generated/core-v1.ts";
import { withDefaults, without } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

/** `stringData` is a way of writing: it is merged into `data`, encoded, and never read back. */
function withStringData(secret: Secret): Secret {
  if (secret.stringData === undefined) return secret;
  const encoded = Object.entries(secret.stringData).map(([key, value]) => [key, Buffer.from(value, "utf8").toString("base64")] as const);
  const merged = { ...secret.data, ...Object.fromEntries(encoded) };
  return { ...without(secret, "stringData"), ...(Object.keys(merged).length > 0 && { data: merged }) };
}

export const secretResource = defineResource<Secret>(secrets, {
  validateName: dnsSubdomainName,
  defaults: (secret) => withDefaults(withStringData(secret), { type: "Opaque" }),
  selectableFields: { type: ({ type }) => type ?? "" },
  columns: [nameColumn, text("Type", ({ type }) => type ?? ""), text("Data", ({ data }) => Object.keys(data ?? {}).length), ageColumn],
});
