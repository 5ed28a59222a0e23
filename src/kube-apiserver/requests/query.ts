import { badRequest, invalidError, StatusError } from "../../apimachinery/status-error.ts";
import { forbidden, invalid, notSupported, type FieldError } from "../../apimachinery/field-error.ts";
import { fieldManagerErrors } from "../registry/metadata.ts";

/** Query parameters, over HTTP and inside of the process alike. */
export interface Query {
  get(name: string): string | null;
  getAll(name: string): readonly string[];
  has(name: string): boolean;
}

/** As upstream reads a boolean parameter: anything but a clear no is a yes, also nothing at all after the name. Source: apimachinery/pkg/runtime/conversion.go. */
export function booleanOf(query: Query, name: string): boolean | undefined {
  const value = query.get(name);
  return value === null ? undefined : value !== "0" && value.toLowerCase() !== "false";
}

export function integerOf(query: Query, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^[-+]?\d+$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  const number = BigInt(value.replace(/^\+/, ""));
  if (number >= 1n << 63n || number < -(1n << 63n)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: value out of range`);
  return Number(value);
}

export interface ListQuery {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly limit: number;
  readonly continue: string;
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

/** @throws {StatusError} BadRequest or Invalid, when parameters contradict each other. */
export function listQuery(query: Query, watching: boolean): ListQuery {
  const options: ListQuery = {
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
    resourceVersion: query.get("resourceVersion") ?? "",
    resourceVersionMatch: query.get("resourceVersionMatch") ?? "",
    limit: limitOf(query),
    continue: query.get("continue") ?? "",
    sendInitialEvents: booleanOf(query, "sendInitialEvents"),
    allowWatchBookmarks: booleanOf(query, "allowWatchBookmarks") ?? false,
    timeoutSeconds: integerOf(query, "timeoutSeconds"),
  };
  const errors = [...listQueryErrors(options, watching)];
  if (errors.length > 0) throw invalidError({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
  return options;
}

/** Whoever takes any state gets it whole: as upstream, where it comes out of memory. */
function limitOf(query: Query): number {
  const limit = integerOf(query, "limit") ?? 0;
  return limit < 0 || query.get("resourceVersion") === "0" ? 0 : limit;
}

function listQueryErrors(options: ListQuery, watching: boolean): readonly FieldError[] {
  const { resourceVersionMatch: match, resourceVersion, sendInitialEvents } = options;
  // In upstream's order, which clients see in the message.
  const errors: FieldError[] = [];
  if (watching) {
    if (sendInitialEvents !== undefined && match !== "NotOlderThan") errors.push(forbidden("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
    if (match === "") return errors;
    if (sendInitialEvents === undefined) errors.push(forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
    if (match !== "NotOlderThan") errors.push(notSupported("resourceVersionMatch", match, ["NotOlderThan"]));
    if (options.continue !== "") errors.push(forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"));
    return errors;
  }
  if (match !== "") {
    if (resourceVersion === "") errors.push(forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    if (options.continue !== "") errors.push(forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"));
    if (match !== "Exact" && match !== "NotOlderThan") errors.push(notSupported("resourceVersionMatch", match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && resourceVersion === "0") errors.push(forbidden("resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (sendInitialEvents !== undefined) errors.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return errors;
}

/** @throws {StatusError} Invalid */
export function revisionOf(resourceVersion: string): number {
  if (resourceVersion === "") return 0;
  const isNumber = /^\d+$/.test(resourceVersion);
  if (!isNumber || BigInt(resourceVersion) >= 1n << 64n) {
    const text = JSON.stringify(resourceVersion);
    throw new StatusError("BadRequest", `resourceVersion: Invalid value: ${text}: strconv.ParseUint: parsing ${text}: ${isNumber ? "value out of range" : "invalid syntax"}`);
  }
  return Number(resourceVersion);
}

export interface WriteQuery {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: "Ignore" | "Warn" | "Strict";
  readonly force: boolean | undefined;
}

/** `kind` names the options in errors: "CreateOptions", "UpdateOptions", "PatchOptions". @throws {StatusError} Invalid */
export function writeQuery(query: Query, kind: string): WriteQuery {
  const dryRun = query.getAll("dryRun").filter((value) => value !== "");
  const fieldManager = query.get("fieldManager") ?? "";
  const fieldValidation = query.get("fieldValidation") ?? "";
  const errors = [
    ...fieldManagerErrors(fieldManager, "fieldManager"),
    ...(dryRun.every((value) => value === "All") ? [] : [notSupported("dryRun", dryRun, ["All"])]),
    ...(["", "Ignore", "Warn", "Strict"].includes(fieldValidation) ? [] : [notSupported("fieldValidation", fieldValidation, ["", "Ignore", "Strict", "Warn"])]),
  ];
  if (errors.length > 0) throw invalidError({ group: "meta.k8s.io", kind }, "", errors);
  return { dryRun: dryRun.length > 0, fieldManager, fieldValidation: fieldValidation === "" ? "Warn" : (fieldValidation as WriteQuery["fieldValidation"]), force: booleanOf(query, "force") };
}

export const tableQueryErrors = (includeObject: string): readonly FieldError[] =>
  ["", "None", "Metadata", "Object"].includes(includeObject) ? [] : [invalid("includeObject", includeObject, "must be 'Metadata', 'Object', 'None', or empty")];
