import type { KubeObject } from "../../apimachinery/object.ts";
import { badRequest, invalidError, StatusError } from "../../apimachinery/status-error.ts";
import type { UpdateStrategy } from "../../api/resource.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { decodeBody, mediaTypeOf } from "../requests/body.ts";
import { list } from "../list.ts";
import { integerOf, booleanOf, listQuery, writeQuery, type WriteQuery } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import { checkDeleteOptions, type DeleteOptions } from "../registry/deletion.ts";
import { creationErrors } from "../registry/metadata.ts";
import type { Deleted, Written } from "../registry/registry.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import { entryAs, storedFrom, strategyOf, type Served } from "../served.ts";
import { writeContext } from "./write-context.ts";

/** deletecollection works on so many objects at a time. */
const deleteWorkersMax = 16;

/** Kinds whose delete is answered with the object itself, where others answer with a Status. */
const answersWithObject: ReadonlySet<string> = new Set([
  "/pods", "/services", "/namespaces", "/serviceaccounts", "/resourcequotas", "/persistentvolumes", "/persistentvolumeclaims", "/podtemplates",
  "storage.k8s.io/storageclasses", "storage.k8s.io/volumeattachments", "storage.k8s.io/csinodes", "storage.k8s.io/csidrivers", "storage.k8s.io/volumeattributesclasses",
  "resource.k8s.io/resourceclaims", "resource.k8s.io/resourceclaimtemplates", "resource.k8s.io/deviceclasses", "resource.k8s.io/resourceslices",
]);

const decodeOptions = (api: Api, request: Authorized, kind: { readonly group: string; readonly version: string; readonly kind: string }, query: WriteQuery) =>
  ({ kind, schemas: api.schemas, protobuf: api.protobuf, fieldValidation: query.fieldValidation, warnings: request.warnings });

/** An entry may be one that was never stored (a dry run, an object that went with its update): it is shown in the version that was asked for. */
export function answerWith(served: Served, code: number, entry: CacheEntry): Answer {
  return { is: "entry", code, entry: entryAs(served, entry), served };
}
const written = (served: Served, { entry, created }: Written): Answer => answerWith(served, created ? 201 : 200, entry);

export async function createObject(api: Api, request: Authorized, served: Served): Promise<Answer> {
  const query = writeQuery(request.query, "CreateOptions");
  const object = await decodeBody(request.payload, decodeOptions(api, request, served.type, query));
  const isNamespace = served.type.group === "" && served.type.plural === "namespaces";
  const named = isNamespace ? { ...request, info: { ...request.info, namespace: object.metadata.name ?? "" } } : request;
  checkNamespace(served, request, object);
  const context = writeContext(api, named, { served, query, options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" }, name: object.metadata.name ?? "" });
  const placed = served.type.namespaced && object.metadata.namespace === undefined ? { ...object, metadata: { ...object.metadata, namespace: request.info.namespace } } : object;
  const given = checkedView(served, dedupedOwners(placed, request));
  return written(served, await served.registry.create(storedFrom(served, given), isNamespace ? { ...context, namespace: "" } : context));
}

/** A version that is not the stored one has defaults and rules of its own, on top of those of the stored one. @throws {StatusError} Invalid */
function checkedView(served: Served, object: KubeObject): KubeObject {
  if (!served.conversion) return object;
  const complete = served.resource.defaults(object);
  const { name = "", generateName = "" } = complete.metadata;
  // A name that will be generated is not known yet; any that it may become is as good.
  const named = name === "" && generateName !== "" ? { ...complete, metadata: { ...complete.metadata, name: `${generateName.slice(0, 58)}xxxxx` } } : complete;
  const errors = creationErrors(named, served.resource);
  if (errors.length > 0) throw invalidError(served.type, object.metadata.name ?? "", errors);
  return complete;
}

function checkNamespace(served: Served, request: Authorized, object: KubeObject): void {
  const { namespace } = request.info;
  const own = object.metadata.namespace ?? "";
  if (own !== "" && own !== (served.type.namespaced ? namespace : "")) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** Says once about owners that are named twice, and names them once. */
function dedupedOwners(object: KubeObject, request: Authorized): KubeObject {
  const references = object.metadata.ownerReferences;
  if (!references || references.length < 2) return object;
  const seen = new Map<string, (typeof references)[number]>();
  for (const reference of references) seen.set(JSON.stringify([reference.uid, reference.apiVersion, reference.kind, reference.name, reference.controller, reference.blockOwnerDeletion]), reference);
  if (seen.size === references.length) return object;
  request.warnings.push(`.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...new Set(references.filter((each, at) => references.findIndex(({ uid }) => uid === each.uid) < at).map(({ uid }) => uid))].join(", ")}`);
  return { ...object, metadata: { ...object.metadata, ownerReferences: [...seen.values()] } };
}

export function checkName(object: KubeObject, request: Authorized, namespaced: boolean): void {
  const { name, namespace } = request.info;
  const own = object.metadata.name ?? "";
  if (own === "") throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (own !== name) throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
  const ownNamespace = object.metadata.namespace ?? "";
  if (namespaced && ownNamespace !== "" && ownNamespace !== namespace) {
    throw badRequest(`the namespace of the object (${ownNamespace}) does not match the namespace on the request (${namespace})`);
  }
}

/** `strategy` is the way of writing of a subresource; the main one when absent. */
export async function updateObject(api: Api, request: Authorized, served: Served, strategy?: UpdateStrategy<KubeObject>): Promise<Answer> {
  const query = writeQuery(request.query, "UpdateOptions");
  const object = await decodeBody(request.payload, decodeOptions(api, request, served.type, query));
  checkNamespace(served, request, object);
  checkName(object, request, served.type.namespaced);
  const next = storedFrom(served, dedupedOwners(object, request));
  const context = writeContext(api, inOwnNamespace(served, request), { served, query, options: { kind: "UpdateOptions", apiVersion: "meta.k8s.io/v1" } });
  const { uid = "" } = object.metadata;
  return written(served, await served.registry.update(request.info.name, () => next, forRegistry(served, context), {
    ...strategyOf(served, strategy), create: strategy === undefined && served.resource.createOnUpdate, ...(uid !== "" && { uid }),
  }));
}

/** For the attributes of admission a namespace lies in itself; for its registry it lies nowhere. */
export const inOwnNamespace = (served: Served, request: Authorized): Authorized =>
  served.type.group === "" && served.type.plural === "namespaces" ? { ...request, info: { ...request.info, namespace: request.info.name } } : request;
export const forRegistry = <C extends { readonly namespace: string }>(served: Served, context: C): C => (served.type.namespaced ? context : { ...context, namespace: "" });

/** DeleteOptions from the body, else from the query, which does not count at all beside a body. @throws {StatusError} BadRequest, Invalid */
async function deleteOptions(api: Api, request: Authorized): Promise<DeleteOptions> {
  const { payload, query } = request;
  const empty = payload.is === "object" ? payload.object === undefined : (await payload.read()).length === 0;
  if (!empty) {
    const unmarked = payload.is === "bytes" && mediaTypeOf(payload.contentType) === "" ? { ...payload, contentType: "application/json" } : payload;
    const body = await inFewWords(decodeBody(unmarked, {
      kind: { group: "", version: "v1", kind: "DeleteOptions" }, protobuf: api.protobuf, fieldValidation: "Ignore", warnings: [], anyVersion: true,
      // The group and version in which a client says DeleteOptions do not matter.
      schemas: { type: (name) => api.schemas.type(name), kind: (group, version, kind) => (kind === "DeleteOptions" ? api.schemas.type("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions") : api.schemas.kind(group, version, kind)) },
    }));
    const { metadata: _, kind: __, apiVersion: ___, ...options } = body as unknown as DeleteOptions & Partial<KubeObject>;
    return options;
  }
  const grace = integerOf(query, "gracePeriodSeconds");
  const orphan = booleanOf(query, "orphanDependents");
  const policy = query.get("propagationPolicy");
  const dryRun = query.getAll("dryRun");
  return {
    ...(grace !== undefined && { gracePeriodSeconds: grace }), ...(orphan !== undefined && { orphanDependents: orphan }),
    ...(policy !== null && policy !== "" && { propagationPolicy: policy as NonNullable<DeleteOptions["propagationPolicy"]> }), ...(dryRun.length > 0 && { dryRun }),
  };
}

/** What is wrong with options is told without what they are for. */
async function inFewWords<T>(decoding: Promise<T>): Promise<T> {
  try {
    return await decoding;
  } catch (error) {
    throw error instanceof StatusError && typeof error.cause === "string" ? badRequest(error.cause) : error;
  }
}

export async function deleteObject(api: Api, request: Authorized, served: Served): Promise<Answer> {
  const options = await deleteOptions(api, request);
  checkDeleteOptions(options);
  const query = deleteQuery(request, options);
  warnOfOrphans(served, options, request);
  const context = forRegistry(served, writeContext(api, inOwnNamespace(served, request), { served, query, options: { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", ...options } }));
  const deleted = await served.registry.delete(request.info.name, options, context);
  const code = !deleted.gone && options.orphanDependents === false ? 202 : 200;
  return deletedAnswer(served, deleted, code);
}

function deleteQuery(request: Authorized, options: DeleteOptions): WriteQuery {
  const { dryRun: _, ...query } = writeQuery(request.query, "DeleteOptions");
  return { ...query, dryRun: (options.dryRun ?? []).length > 0 };
}

const jobDeletionWarning = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";
function warnOfOrphans({ resource: { type, defaultGarbageCollection } }: Served, { propagationPolicy, orphanDependents }: DeleteOptions, request: Authorized): void {
  if (type.group === "batch" && defaultGarbageCollection === "orphan" && propagationPolicy === undefined && orphanDependents === undefined) request.warnings.push(jobDeletionWarning);
}

function deletedAnswer(served: Served, { entry, gone }: Deleted, code: number): Answer {
  const { group, plural } = served.type;
  if (!gone || answersWithObject.has(`${group}/${plural}`)) return answerWith(served, code, entry);
  const { name, uid } = entry.object.metadata;
  return {
    is: "object", code,
    object: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details: { name, ...(group !== "" && { group }), kind: plural, uid } },
  };
}

export async function deleteCollection(api: Api, request: Authorized, served: Served): Promise<Answer> {
  const options = await deleteOptions(api, request);
  checkDeleteOptions(options);
  const query = deleteQuery(request, options);
  warnOfOrphans(served, options, request);
  const found = await list(api.state, served, request.info.namespace, listQuery(request.query, false));
  const waiting = [...found.entries];
  const work = async () => {
    for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
      const { name = "", namespace = "" } = entry.object.metadata;
      const each = inOwnNamespace(served, { ...request, info: { ...request.info, name, namespace } });
      const context = forRegistry(served, writeContext(api, each, { served, query, options: { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", ...options } }));
      try {
        await served.registry.delete(name, options, context);
      } catch (error) {
        if (!(error instanceof Error && "reason" in error && error.reason === "NotFound")) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(deleteWorkersMax, waiting.length) }, work));
  return found;
}
