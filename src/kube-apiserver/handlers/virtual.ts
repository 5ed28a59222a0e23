import type { VirtualResource } from "../access.ts";
import { admissionRun } from "../admission-run.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { decodeBody } from "../requests/body.ts";
import { writeQuery } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import { checkProduced, producedBy } from "../output/produced-media.ts";
import { methodNotAllowed, resourceNotFound } from "../requests/refusals.ts";

/** Kinds that are answered and not stored: reviews of tokens and of access. */
export async function createVirtual(api: Api, request: Authorized, virtual: VirtualResource): Promise<Answer> {
  const { info, user } = request;
  const { type } = virtual;
  if (info.name !== "") throw resourceNotFound();
  if (info.verb !== "create") throw methodNotAllowed();
  checkProduced(request.headers["accept"], producedBy(info.verb));
  const query = writeQuery(request.query, "CreateOptions");
  const decoded = await decodeBody(request.payload, { kind: type, schemas: api.schemas, protobuf: api.protobuf, fieldValidation: query.fieldValidation, warnings: request.warnings });
  const admission = admissionRun({ plugins: api.admission, type, subresource: "", namespace: info.namespace, name: "", user, dryRun: query.dryRun });
  const object = await admission.mutate("CREATE", decoded, undefined);
  await admission.validate("CREATE", object, undefined);
  return { is: "object", code: 201, object: await virtual.create({ object, user, namespace: info.namespace, dryRun: query.dryRun }) };
}
