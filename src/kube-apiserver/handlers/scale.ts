import type { Scale } from "../../api/generated/autoscaling-v1.ts";
import { ageColumn, integer, text } from "../../api/printing/columns.ts";
import { invalid } from "../../apimachinery/field-error.ts";
import { formatLabelMatcher, labelMatcherOf } from "../../apimachinery/label-selector.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { badRequest, invalidError } from "../../apimachinery/status-error.ts";
import type { Answer, ObjectTable } from "../answer.ts";
import type { Api } from "../api.ts";
import { decodeBody } from "../body.ts";
import { writeQuery } from "../query.ts";
import type { Authorized } from "../request.ts";
import type { Served } from "../served.ts";
import { patched } from "./patch.ts";
import { checkName } from "./write.ts";
import { writeContext } from "./write-context.ts";

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

/** Get, update and patch of the one number that all workloads have. */
export async function scale(api: Api, request: Authorized, served: Served): Promise<Answer> {
  const { info } = request;
  if (info.verb === "get") {
    const entry = await served.registry.get(info.namespace, info.name);
    return { is: "object", code: 200, object: scaleOf(entry.object), table: scaleTable };
  }
  const query = writeQuery(request.query, info.verb === "patch" ? "PatchOptions" : "UpdateOptions");
  const given = info.verb === "update"
    ? await decodeBody<Scale>(request.payload, { kind: scaleKind, schemas: api.schemas, protobuf: api.protobuf, fieldValidation: query.fieldValidation, warnings: request.warnings })
    : undefined;
  if (given) checkName(given, request, true);
  const change = given ? () => given : await patched<Scale>(api, request, scaleKind, query);
  const context = writeContext(api, request, { type: served.type, query });
  const { admission } = context;
  const { entry } = await served.registry.update(info.name, async (current) => {
    const before = scaleOf(current ?? { apiVersion: "v1", kind: "", metadata: {} });
    const next = (await admission.mutate("UPDATE", change(before), before)) as Scale;
    const { replicas = 0 } = next.spec ?? {};
    if (replicas < 0) throw invalidError(scaleKind, info.name, [invalid("spec.replicas", replicas, "must be greater than or equal to 0")]);
    if (next.metadata.name !== before.metadata.name) throw badRequest(`the name of the object (${next.metadata.name ?? ""}) does not match the name on the URL (${info.name})`);
    await admission.validate("UPDATE", next, before);
    const { resourceVersion = "" } = next.metadata;
    const target = current as Scalable;
    return { ...target, metadata: { ...target.metadata, ...(resourceVersion !== "" && { resourceVersion }) }, spec: { ...target.spec, replicas } } as KubeObject;
  }, { ...context, admission: noAdmission });
  return { is: "object", code: 200, object: scaleOf(entry.object), table: scaleTable };
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
