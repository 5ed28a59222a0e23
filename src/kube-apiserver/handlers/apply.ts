import { kindText } from "../../apimachinery/managed-fields/apply.ts";
import { apiVersionOf, type KubeObject } from "../../apimachinery/object.ts";
import { badRequest, conflict, notFoundError, StatusError } from "../../apimachinery/status-error.ts";
import { DecodeError, decodeStrict } from "../../apimachinery/strict-decoding.ts";
import { parseYamlStrict, YamlError } from "../../apimachinery/yaml.ts";
import type { UpdateStrategy } from "../../api/resource.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { mediaTypeOf, type Kind } from "../requests/body.ts";
import type { WriteQuery } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import { objectAs, storedFrom, strategyOf, type Served } from "../served.ts";
import { answerWith, checkName, forRegistry, inOwnNamespace } from "./write.ts";
import { fieldManagerOf, writeContext } from "./write-context.ts";

const applyMedia = "application/apply-patch+yaml";
export const isApply = ({ payload }: Authorized): boolean => mediaTypeOf(payload.contentType) === applyMedia;

interface Configuration {
  /** As it was written: what is left out or null, or an empty list, each says something else. */
  readonly object: KubeObject;
  /** Fields that the YAML names twice, a line each. */
  readonly complaints: readonly string[];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

async function readConfiguration({ payload }: Authorized): Promise<Configuration> {
  if (payload.is === "object") return { object: checked(payload.object), complaints: [] };
  const text = (await payload.read()).toString();
  try {
    const { value, duplicates } = parseYamlStrict(text);
    return { object: checked(value), complaints: duplicates };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw badRequest(`error decoding YAML: ${error.message.startsWith("error converting") ? "" : "error converting YAML to JSON: "}${error.message}`);
  }
}

function checked(value: unknown): KubeObject {
  if (value !== null && value !== undefined && !isRecord(value)) {
    const is = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${is} into Go value of type map[string]interface {}`);
  }
  const object = value ?? {};
  return { ...object, metadata: (object as Partial<KubeObject>).metadata ?? {} } as KubeObject;
}

/** The body must say which kind it is, and that must be the kind of the URL. */
function checkKind({ apiVersion, kind }: Partial<KubeObject>, expected: Kind): void {
  const [own, ownKind] = [typeof apiVersion === "string" ? apiVersion : "", typeof kind === "string" ? kind : ""];
  if (own !== apiVersionOf(expected) || ownKind !== expected.kind) throw badRequest(`invalid object type: ${kindText(own === "" ? "/" : own, ownKind)}`);
}

/** The merged object in the form of its type. Upstream answers 500 here; what does not fit the type came from the client. */
function typedAgain(api: Api, object: KubeObject, kind: Kind): KubeObject {
  const schema = api.schemas.kind(kind.group, kind.version, kind.kind);
  if (!schema) return object;
  try {
    const { object: decoded } = decodeStrict(object as unknown as Readonly<Record<string, unknown>>, schema, { schemas: api.schemas });
    return { ...decoded, metadata: decoded["metadata"] ?? {} } as unknown as KubeObject;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { namespace = "", name = "" } = object.metadata;
    const gvk = kindText(apiVersionOf(kind), kind.kind);
    throw new StatusError("", `failed to convert new typed object (${namespace}/${name}; ${gvk}) to object: unable to convert unstructured object to ${gvk}: ${error.message}`, { code: 400, cause: error });
  }
}

/**
 * Reads an apply configuration, and gives what applies it to an object of the kind (undefined: to none).
 * @throws {StatusError} BadRequest, Conflict
 */
export async function applied(api: Api, request: Authorized, { kind, served, query }: { readonly kind: Kind; readonly served: Served; readonly query: WriteQuery }): Promise<(live: KubeObject | undefined) => KubeObject> {
  const { object: configuration, complaints } = await readConfiguration(request);
  checkKind(configuration, kind);
  let warned = false;
  return (live) => {
    const write = { served, subresource: request.info.subresource, manager: fieldManagerOf(query, request), nowMs: api.clock.now(), force: query.force ?? false };
    const next = typedAgain(api, api.managedFields.apply(configuration, live, write), kind);
    if (complaints.length > 0 && query.fieldValidation === "Strict") throw badRequest(`error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${complaints.map((each) => `  ${each}`).join("\n")}`);
    if (query.fieldValidation === "Warn" && !warned) request.warnings.push(...complaints);
    warned = true;
    return next;
  };
}

/** Server-side apply. https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
export async function applyObject(api: Api, request: Authorized, { served, query, strategy }: { readonly served: Served; readonly query: WriteQuery; readonly strategy: UpdateStrategy<KubeObject> | undefined }): Promise<Answer> {
  const { info } = request;
  const apply = await applied(api, request, { kind: served.type, served, query });
  const context = writeContext(api, inOwnNamespace(served, request), { served, query, options: { kind: "PatchOptions", apiVersion: "meta.k8s.io/v1" }, track: (next) => next });
  const named = { group: served.type.group, resource: served.type.plural };
  const { entry, created } = await served.registry.update(
    info.name,
    (current) => {
      if (!current && strategy) throw notFoundError(named, info.name);
      const next = apply(current && objectAs(served, current));
      const { uid = "", namespace = "" } = next.metadata;
      if (!current && uid !== "") throw conflict(named, info.name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
      if (namespace !== "" && namespace !== (served.type.namespaced ? info.namespace : "")) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
      checkName(next, request, served.type.namespaced);
      return storedFrom(served, next);
    },
    forRegistry(served, context), { ...strategyOf(served, strategy), create: strategy === undefined },
  );
  return answerWith(served, created ? 201 : 200, entry);
}
