import { internalStatusError } from "../../apimachinery/status-error.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { decodeBody } from "../requests/body.ts";
import { writeQuery } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import type { Served } from "../served.ts";
import { writeContext } from "./write-context.ts";

/** POST serviceaccounts/x/token */
export async function createToken(api: Api, request: Authorized, served: Served): Promise<Answer> {
  const { info, user } = request;
  if (!api.tokenIssuer) throw internalStatusError("this server issues no tokens");
  const query = writeQuery(request.query, "CreateOptions");
  const kind = { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" };
  const object = await decodeBody(request.payload, { kind, schemas: api.schemas, protobuf: api.protobuf, fieldValidation: query.fieldValidation, warnings: request.warnings });
  await served.registry.get(info.namespace, info.name);
  const context = writeContext(api, request, { served, query });
  const admitted = await context.admission.mutate("CREATE", object, undefined);
  await context.admission.validate("CREATE", admitted, undefined);
  return { is: "object", code: 201, object: await api.tokenIssuer.issue({ namespace: info.namespace, serviceAccount: info.name, request: admitted, user }) };
}
