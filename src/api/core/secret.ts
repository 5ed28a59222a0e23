import { forbidden, invalid, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { configMapKeyErrors } from "../../apimachinery/validation.ts";
import { base64Length } from "../../stdx/bytes.ts";
import { equal } from "../../stdx/equal.ts";
import { immutable, invalidEach } from "../checks.ts";
import { secrets, type Secret } from "../generated/core-v1.ts";
import { keyPairWarnings } from "./key-pair-warnings.ts";
import { withDefaults, without } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

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
  // An update that does not say the type leaves it.
  prepareForUpdate: (next, previous) => (next.type === undefined || next.type === "" ? { ...next, ...(previous.type !== undefined && { type: previous.type }) } : next),
  validate,
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, immutable("type", next.type, previous.type));
    if (previous.immutable === true) {
      if (next.immutable !== true) errors.push(forbidden("immutable", immutableMessage));
      if (!equal(next.data ?? {}, previous.data ?? {})) errors.push(forbidden("data", immutableMessage));
    }
    addAll(errors, validate(next));
    return errors;
  },
  warningsOnCreate: warnings,
  warningsOnUpdate: warnings,
  selectableFields: { type: ({ type }) => type ?? "" },
  columns: [nameColumn, text("Type", ({ type }) => type ?? ""), text("Data", ({ data }) => Object.keys(data ?? {}).length), ageColumn],
});

const dataBytesMax = 1024 * 1024;
const immutableMessage = "field is immutable when `immutable` is set";
const accountAnnotation = "kubernetes.io/service-account.name";

const decoded = (text = ""): string => Buffer.from(text, "base64").toString("latin1");
function warnings({ type, data = {} }: Secret): readonly string[] {
  return type === "kubernetes.io/tls" ? keyPairWarnings(decoded(data["tls.crt"]), decoded(data["tls.key"])) : [];
}

/** Secrets of known types have the keys that their users look for. */
function validate({ type = "", data = {}, metadata }: Secret): readonly FieldError[] {
  let bytes = 0;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(data)) {
    addAll(errors, invalidEach(`data[${key}]`, key, configMapKeyErrors(key)));
    bytes += base64Length(value);
  }
  if (bytes > dataBytesMax) errors.push(tooLong("data", dataBytesMax));

  switch (type) {
    case "kubernetes.io/service-account-token":
      if ((metadata.annotations?.[accountAnnotation] ?? "") === "") errors.push(required(`metadata.annotations[${accountAnnotation}]`));
      break;
    case "kubernetes.io/dockercfg":
      addAll(errors, validateJson(data, ".dockercfg"));
      break;
    case "kubernetes.io/dockerconfigjson":
      addAll(errors, validateJson(data, ".dockerconfigjson"));
      break;
    case "kubernetes.io/basic-auth":
      if (!("username" in data) && !("password" in data)) addAll(errors, ["username", "password"].map((key) => required(`data[${key}]`)));
      break;
    case "kubernetes.io/ssh-auth":
      if ((data["ssh-privatekey"] ?? "") === "") errors.push(required("data[ssh-privatekey]"));
      break;
    case "kubernetes.io/tls":
      for (const key of ["tls.crt", "tls.key"]) if (!(key in data)) errors.push(required(`data[${key}]`));
      break;
    default:
  }
  return errors;
}

function validateJson(data: Readonly<Record<string, string>>, key: string): readonly FieldError[] {
  const value = data[key];
  if (value === undefined) return [required(`data[${key}]`)];
  const problem = jsonProblem(Buffer.from(value, "base64").toString("utf8"));
  const errors: FieldError[] = [];
  if (problem !== undefined) errors.push(invalid(`data[${key}]`, "<secret contents redacted>", problem));
  return errors;
}

/** The first byte of what is no JSON, as Go quotes it. */
function goCharacter(text: string): string {
  const [byte = 0] = Buffer.from(text, "utf8");
  return byte < 0x20 || byte === 0x7f ? `'\\x${byte.toString(16).padStart(2, "0")}'` : `'${String.fromCharCode(byte)}'`;
}

function jsonProblem(text: string): string | undefined {
  if (text === "") return "unexpected end of JSON input";
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? undefined : "json: cannot unmarshal into Go value of type map[string]interface {}";
  } catch {
    return `invalid character ${goCharacter(text.trimStart())} looking for beginning of value`;
  }
}
