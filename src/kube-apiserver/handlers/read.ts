import type { Api } from "../api.ts";
import type { Answer } from "../answer.ts";
import { list, tooLargeResourceVersion } from "../list.ts";
import { listQuery, revisionOf } from "../query.ts";
import type { Authorized } from "../request.ts";
import { entryAs, type Served } from "../served.ts";
import { watch } from "../watch.ts";

export async function getObject(api: Api, request: Authorized, served: Served): Promise<Answer> {
  const { info, query } = request;
  const requested = revisionOf(query.get("resourceVersion") ?? "");
  if (requested > api.state.revision) {
    await api.state.fresh();
    if (requested > api.state.revision) throw tooLargeResourceVersion(requested, api.state.revision);
  }
  const entry = await served.registry.get(info.namespace, info.name);
  return { is: "entry", code: 200, entry: entryAs(served, entry), served };
}

export const listObjects = (api: Api, request: Authorized, served: Served): Promise<Answer> =>
  list(api.state, served, request.info.namespace, withName(request, listQuery(request.query, false)));

export const watchObjects = (api: Api, request: Authorized, served: Served): Promise<Answer> =>
  watch({ state: api.state, clock: api.clock, random: api.random, log: api.log }, served, request.info.namespace, withName(request, listQuery(request.query, true)));

/** A watch may name its object in the path, as a get with `?watch=true`. */
function withName(request: Authorized, query: ReturnType<typeof listQuery>): ReturnType<typeof listQuery> {
  const { name } = request.info;
  if (name === "" || query.fieldSelector.includes("metadata.name")) return query;
  return { ...query, fieldSelector: query.fieldSelector === "" ? `metadata.name=${name}` : `${query.fieldSelector},metadata.name=${name}` };
}
