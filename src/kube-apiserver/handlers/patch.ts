import { invalid, required, forbidden } from "../../apimachinery/field-error.ts";
import { goText } from "../../apimachinery/go-text.ts";
import { JsonError, parseJson, parseJsonStrict, type DuplicateFields } from "../../apimachinery/json.ts";
import { apiVersionOf, type KubeObject } from "../../apimachinery/object.ts";
import { patchWithJsonPatch } from "../../apimachinery/patch/json-patch.ts";
import { isJsonObject, type JsonObject } from "../../apimachinery/patch/json-value.ts";
import { applyMergePatch } from "../../apimachinery/patch/merge-patch.ts";
import { restoreProblem } from "../../apimachinery/patch/restore-error.ts";
import { applyStrategicMergePatch } from "../../apimachinery/patch/strategic-merge-patch.ts";
import { badRequest, invalidError, notFoundError, StatusError } from "../../apimachinery/status-error.ts";
import { DecodeError, decodeStrict } from "../../apimachinery/strict-decoding.ts";
import type { UpdateStrategy } from "../../api/resource.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { mediaTypeOf, type Kind } from "../requests/body.ts";
import { writeQuery, type WriteQuery } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import { objectAs, storedFrom, strategyOf, type Served } from "../served.ts";
import { applyObject, isApply } from "./apply.ts";
import { answerWith, checkName, forRegistry, inOwnNamespace } from "./write.ts";
import { writeContext } from "./write-context.ts";

const jsonMedia = "application/json-patch+json";
const mergeMedia = "application/merge-patch+json";
const strategicMedia = "application/strategic-merge-patch+json";
const patchMedia: ReadonlySet<string> = new Set([jsonMedia, mergeMedia, strategicMedia]);

/** Fields that a patch names twice; nobody can say what they mean. */
function duplicateComplaints(value: unknown, duplicates: DuplicateFields): string[] {
  if (duplicates.size === 0) return [];
  const found: string[] = [];
  const visit = (each: unknown, path: string): void => {
    if (typeof each !== "object" || each === null) return;
    for (const { key } of duplicates.get(each) ?? []) found.push(`duplicate field ${JSON.stringify(path === "" ? key : `${path}.${key}`)}`);
    if (Array.isArray(each)) for (const [index, item] of each.entries()) visit(item, `${path}[${index}]`);
    else for (const [key, item] of Object.entries(each)) visit(item, path === "" ? key : `${path}.${key}`);
  };
  visit(value, "");
  return found;
}

interface PatchDocument {
  readonly value: unknown;
  readonly complaints: readonly string[];
}

async function readPatch({ payload }: Authorized, media: string, query: WriteQuery): Promise<PatchDocument> {
  if (payload.is === "object") return { value: payload.object, complaints: [] };
  const text = (await payload.read()).toString();
  const lax = query.fieldValidation === "Ignore";
  const refused = (why: string): StatusError => badRequest(lax && media === mergeMedia ? "Invalid JSON Patch" : lax || media === strategicMedia ? why : `error decoding patch: ${why}`);
  let value: unknown;
  let complaints: readonly string[] = [];
  try {
    if (lax) value = parseJson(text);
    else {
      const strictly = parseJsonStrict(text);
      value = strictly.value;
      complaints = duplicateComplaints(value, strictly.duplicates);
    }
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw refused(error.message);
  }
  if (media === jsonMedia) return { value: operationsIn(value, lax, refused), complaints };
  if (value === null && media === mergeMedia) throw badRequest("Invalid JSON Patch");
  if (value !== null && !isJsonObject(value)) throw refused(`json: cannot unmarshal ${goKind(value)} into Go value of type map[string]interface {}`);
  return { value: value ?? {}, complaints };
}

const goKind = (value: unknown): string => (Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value);

/** The list of operations, as far as it is one; none in `null`. What is wrong with one of them is told when it is applied. */
function operationsIn(value: unknown, lax: boolean, refused: (why: string) => StatusError): readonly unknown[] {
  const [list, one] = lax ? ["jsonpatch.Patch", "jsonpatch.Operation"] : ["[]handlers.jsonPatchOp", "handlers.jsonPatchOp"];
  if (value === null) return [];
  if (!Array.isArray(value)) throw refused(`json: cannot unmarshal ${goKind(value)} into Go value of type ${list}`);
  const odd: unknown = value.find((each) => each !== null && !isJsonObject(each));
  if (odd !== undefined) throw refused(`json: cannot unmarshal ${goKind(odd)} into Go value of type ${one}`);
  return value as unknown[];
}

/**
 * Reads a JSON, merge or strategic merge patch, and gives what applies it to an object of the kind.
 * @throws {StatusError} UnsupportedMediaType, BadRequest, Invalid
 */
export async function patched<T extends KubeObject>(api: Api, request: Authorized, kind: Kind, query: WriteQuery): Promise<(current: T) => T> {
  const media = mediaTypeOf(request.payload.contentType);
  if (!patchMedia.has(media)) throw new StatusError("UnsupportedMediaType", "415: Unsupported Media Type", { details: {} });
  const { value: patch, complaints } = await readPatch(request, media, query);
  const schema = api.schemas.kind(kind.group, kind.version, kind.kind);
  const strategic = media === strategicMedia && schema !== undefined;
  let warned = false;

  return (current) => {
    const next =
      media === jsonMedia ? patchWithJsonPatch(current, patch)
      : strategic ? { ...applyStrategicMergePatch(current as unknown as JsonObject, patch, schema, api.schemas), kind: kind.kind, apiVersion: apiVersionOf(kind) }
      : applyMergePatch(current, patch);
    // What upstream shows of a strategic merge patch is the patch, of others the result.
    const refuse = (why: string) => invalidError({ group: "", kind: "" }, "", [invalid("patch", strategic ? goText(patch) : JSON.stringify(next), why)]);
    if (!isJsonObject(next)) throw refuse("json: cannot unmarshal into an object");
    if (next["kind"] !== kind.kind || next["apiVersion"] !== apiVersionOf(kind)) {
      throw badRequest(`the API version in the data (${String(next["apiVersion"])}) does not match the expected API version (${apiVersionOf(kind)})`);
    }
    if (!schema) return next as unknown as T;
    try {
      const decoded = decodeStrict(next, schema, { schemas: api.schemas });
      const strict = [...complaints, ...decoded.strict];
      if (strict.length > 0 && query.fieldValidation === "Strict") throw refuse(`strict decoding error: ${strict.join(", ")}`);
      if (strict.length > 0 && query.fieldValidation === "Warn" && !warned) request.warnings.push(...strict);
      warned = true;
      return { ...decoded.object, metadata: decoded.object["metadata"] ?? {} } as unknown as T;
    } catch (error) {
      if (error instanceof DecodeError) throw refuse((strategic ? restoreProblem(next, schema, api.schemas) : undefined) ?? error.message);
      throw error;
    }
  };
}

/** @throws {StatusError} Invalid, when the options do not go with the type of patch. */
export function checkOptions(request: Authorized, { fieldManager, force }: WriteQuery): void {
  const errors = isApply(request)
    ? fieldManager === "" ? [required("fieldManager", "is required for apply patch")] : []
    : force !== undefined ? [forbidden("force", "may not be specified for non-apply patch")] : [];
  if (errors.length > 0) throw invalidError({ group: "meta.k8s.io", kind: "PatchOptions" }, "", errors);
}

/** `strategy` is the way of writing of a subresource; the main one when absent. */
export async function patchObject(api: Api, request: Authorized, served: Served, strategy?: UpdateStrategy<KubeObject>): Promise<Answer> {
  const query = writeQuery(request.query, "PatchOptions");
  checkOptions(request, query);
  if (isApply(request)) return await applyObject(api, request, { served, query, strategy });

  const apply = await patched(api, request, served.type, query);
  const context = writeContext(api, inOwnNamespace(served, request), { served, query, options: { kind: "PatchOptions", apiVersion: "meta.k8s.io/v1" } });
  const { entry } = await served.registry.update(
    request.info.name,
    (current) => {
      if (!current) throw notFoundError({ group: served.type.group, resource: served.type.plural }, request.info.name);
      const next = apply(objectAs(served, current));
      const { namespace = "" } = next.metadata;
      if (namespace !== "" && namespace !== (served.type.namespaced ? request.info.namespace : "")) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
      checkName(next, request, served.type.namespaced);
      return storedFrom(served, next);
    },
    forRegistry(served, context), strategyOf(served, strategy),
  );
  return answerWith(served, 200, entry);
}
