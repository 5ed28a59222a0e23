import { whenThere, type Soon } from "../../stdx/soon.ts";
import type { Api } from "../api.ts";
import type { Answer } from "../answer.ts";
import { list, tooLargeResourceVersion } from "../list.ts";
import { listQuery, revisionOf } from "../requests/query.ts";
import type { Authorized } from "../requests/request.ts";
import { entryAs, type Served } from "../served.ts";
import { watch } from "../watch.ts";

/** What is in the cache, and fresh, is answered at once. */
export function getObject(api: Api, { info, query }: Authorized, served: Served): Soon<Answer> {
  const answer = (): Soon<Answer> => whenThere(served.registry.get(info.namespace, info.name), (entry) => ({ is: "entry", code: 200, entry: entryAs(served, entry), served }));
  const requested = revisionOf(query.get("resourceVersion") ?? "");
  return requested > api.state.revision ? reached(api, requested).then(answer) : answer();
}

/** @throws {StatusError} Timeout, when the revision lies in the future. */
async function reached({ state }: Api, revision: number): Promise<void> {
  await state.fresh();
  if (revision > state.revision) throw tooLargeResourceVersion(revision, state.revision);
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
