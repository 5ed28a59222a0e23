import type { Scale } from "../../api/generated/autoscaling-v1.ts";
import { ageColumn, integer, text } from "../../api/printing/columns.ts";
import { invalid } from "../../apimachinery/field-error.ts";
import { formatLabelMatcher, labelMatcherOf } from "../../apimachinery/label-selector.ts";
import { fieldPath } from "../../apimachinery/managed-fields/field-set.ts";
import { entriesAfterScale, entriesOfScale } from "../../apimachinery/managed-fields/scale-owners.ts";
import { apiVersionOf, type KubeObject, type ManagedFieldsEntry } from "../../apimachinery/object.ts";
import { badRequest, invalidError } from "../../apimachinery/status-error.ts";
import type { Answer, ObjectTable } from "../answer.ts";
import type { Api } from "../api.ts";
import { decodeBody } from "../requests/body.ts";
import { writeQuery, type WriteQuery } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import type { Served } from "../served.ts";
import { applied, isApply } from "./apply.ts";
import { checkOptions, patched } from "./patch.ts";
import { checkName } from "./write.ts";
import { fieldManagerOf, writeContext } from "./write-context.ts";

interface Scalable extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly selector?: unknown };
  readonly status?: { readonly replicas?: number };
}
const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" };

const scaleTable = {
  type: { group: "autoscaling", plural: "scales" },
  columns: [
    text<KubeObject>("Name", ({ metadata }) => metadata.name ?? ""), integer<KubeObject>("Desired", (object) => (object as Scalable).spec?.replicas ?? 0),
    integer<KubeObject>("Available", (object) => (object as Scalable).status?.replicas ?? 0), ageColumn,
  ],
} satisfies ObjectTable;

/** Get, update and patch (apply among them) of the one number that all workloads have. */
export async function scale(api: Api, request: Authorized, served: Served): Promise<Answer> {
  const { info } = request;
  if (info.verb === "get") {
    const entry = await served.registry.get(info.namespace, info.name);
    return { is: "object", code: 200, object: scaleOf(entry.object), table: scaleTable };
  }
  const query = writeQuery(request.query, info.verb === "patch" ? "PatchOptions" : "UpdateOptions");
  const change = await changeOf(api, request, served, query);
  const context = writeContext(api, request, { served, query });
  const { admission } = context;
  const { group, version, plural } = served.type;
  const scaled = { apiVersion: apiVersionOf({ group, version }), versions: versionsOf[`${group}/${plural}`] ?? [], replicas: replicasPath };
  const { entry } = await served.registry.update(info.name, async (current) => {
    const target = (current ?? { apiVersion: "v1", kind: "", metadata: {} }) as Scalable;
    const before = withEntries(scaleOf(target), entriesOfScale(target.metadata.managedFields, scaled));
    const next = (await admission.mutate("UPDATE", change(before), before)) as Scale;
    const { replicas = 0 } = next.spec ?? {};
    if (replicas < 0) throw invalidError(scaleKind, info.name, [invalid("spec.replicas", replicas, "must be greater than or equal to 0")]);
    if (next.metadata.name !== before.metadata.name) throw badRequest(`the name of the object (${next.metadata.name ?? ""}) does not match the name on the URL (${info.name})`);
    await admission.validate("UPDATE", next, before);
    const { resourceVersion = "", managedFields } = next.metadata;
    const written = { ...target, metadata: { ...target.metadata, ...(resourceVersion !== "" && { resourceVersion }) }, spec: { ...target.spec, replicas } } as KubeObject;
    return withEntries(written, entriesAfterScale(target.metadata.managedFields, managedFields, scaled));
  }, { ...context, admission: noAdmission, track: (next) => next });
  return { is: "object", code: 200, object: scaleOf(entry.object), table: scaleTable };
}

const replicasPath = fieldPath("spec", "replicas");
/** The versions in which somebody may have written the number of replicas, in upstream's list. */
const versionsOf: Readonly<Record<string, readonly string[]>> = {
  "/replicationcontrollers": ["v1"], "apps/deployments": ["apps/v1beta1", "apps/v1beta2", "apps/v1"],
  "apps/replicasets": ["apps/v1beta2", "apps/v1"], "apps/statefulsets": ["apps/v1beta1", "apps/v1beta2", "apps/v1"],
};

function withEntries<T extends KubeObject>(object: T, entries: readonly ManagedFieldsEntry[] | undefined): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(entries && { managedFields: entries }) } };
}

/** What the request makes of a Scale, with its owners kept. */
async function changeOf(api: Api, request: Authorized, served: Served, query: WriteQuery): Promise<(before: Scale) => Scale> {
  const { verb } = request.info;
  if (verb === "patch") checkOptions(request, query);
  if (verb === "patch" && isApply(request)) return (await applied(api, request, { kind: scaleKind, served, query })) as (before: KubeObject) => Scale;
  const write = { served, subresource: request.info.subresource, manager: fieldManagerOf(query, request), nowMs: api.clock.now() };
  const tracked = (change: (before: Scale) => Scale) => (before: Scale): Scale => api.managedFields.update(change(before), before, write) as Scale;
  if (verb === "patch") return tracked(await patched<Scale>(api, request, scaleKind, query));
  const given = await decodeBody<Scale>(request.payload, { kind: scaleKind, schemas: api.schemas, protobuf: api.protobuf, fieldValidation: query.fieldValidation, warnings: request.warnings });
  checkName(given, request, true);
  return tracked(() => given);
}

/** The Scale was admitted; the object behind it is not a request of its own. */
const noAdmission = { mutate: async (_: unknown, object: KubeObject) => object, validate: async () => undefined };

export function scaleOf(object: KubeObject): Scale {
  const { spec = {}, status = {}, metadata } = object as Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const selector = spec.selector === undefined ? "" : formatLabelMatcher(labelMatcherOf(isLabelSelector(spec.selector) ? spec.selector : { matchLabels: spec.selector as Record<string, string> }));
  return {
    kind: "Scale", apiVersion: "autoscaling/v1",
    metadata: {
      ...(name !== undefined && { name }), ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }), ...(creationTimestamp !== undefined && { creationTimestamp }),
    },
    spec: { ...(spec.replicas !== undefined && spec.replicas !== 0 && { replicas: spec.replicas }) },
    status: { replicas: status.replicas ?? 0, ...(selector !== "" && { selector }) },
  } as Scale;
}

const isLabelSelector = (selector: unknown): selector is { readonly matchLabels?: Readonly<Record<string, string>> } =>
  typeof selector === "object" && selector !== null && ("matchLabels" in selector || "matchExpressions" in selector);
