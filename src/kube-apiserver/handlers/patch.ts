import type { KubeObject } from "../../apimachinery/object.ts";
import { badRequest, StatusError } from "../../apimachinery/status-error.ts";
import type { UpdateStrategy } from "../../api/resource.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { mediaTypeOf, typed, type Kind } from "../body.ts";
import { unsupportedMediaType } from "../output/negotiation.ts";
import { writeQuery, type WriteQuery } from "../query.ts";
import type { Authorized } from "../request.ts";
import { objectAs, storedFrom, type Served } from "../served.ts";
import { answerWith, forRegistry, inOwnNamespace } from "./write.ts";
import { writeContext } from "./write-context.ts";

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

function merge(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = { ...(isRecord(target) ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

/** Reads the patch, and gives what applies it to an object. @throws {StatusError} */
export async function patched<T extends KubeObject>(api: Api, request: Authorized, kind: Kind, query: WriteQuery): Promise<(current: T) => T> {
  const { payload } = request;
  const media = mediaTypeOf(payload.contentType);
  if (media !== "application/merge-patch+json" && media !== "application/strategic-merge-patch+json") throw unsupportedMediaType("application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
  let patch: unknown;
  try {
    patch = payload.is === "object" ? payload.object : JSON.parse((await payload.read()).toString());
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
  return (current) => typed<T>(merge(current, patch) as Record<string, unknown>, { kind, schemas: api.schemas, fieldValidation: query.fieldValidation, warnings: request.warnings });
}

export async function patchObject(api: Api, request: Authorized, served: Served, strategy?: UpdateStrategy<KubeObject>): Promise<Answer> {
  const query = writeQuery(request.query, "PatchOptions");
  const apply = await patched(api, request, served.type, query);
  const context = writeContext(api, inOwnNamespace(served, request), { type: served.type, query, options: { kind: "PatchOptions", apiVersion: "meta.k8s.io/v1" } });
  const { entry, created } = await served.registry.update(
    request.info.name,
    (current) => {
      if (!current) throw new StatusError("NotFound", "not found");
      return storedFrom(served, apply(objectAs(served, current)));
    },
    forRegistry(served, context), { ...(strategy && { strategy }) },
  );
  return answerWith(served, created ? 201 : 200, entry);
}
