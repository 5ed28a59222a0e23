import { badRequest, expired, StatusError } from "../apimachinery/status-error.ts";
import { CompactedError } from "../storage/store.ts";
import type { Answer } from "./answer.ts";
import { CacheEntry } from "./cache/cache-entry.ts";
import type { ClusterState } from "./cache/cluster-state.ts";
import { revisionOf, type ListQuery } from "./requests/query.ts";
import { everything, selection, type Selection } from "./selectors.ts";
import { entryAs, objectAs, type Served } from "./served.ts";
import { unreadableError } from "./store-error.ts";

/** How many keys are read from the store at once, when a list is of the past. */
const pastPageMax = 500;

/** Where a list goes on: upstream's own form, so that tokens mean the same to clients that look into them. */
interface Continuation {
  /** -1: goes on with the present, because the past is forgotten. */
  readonly revision: number;
  /** The first key that was not given yet, without the resource's prefix. */
  readonly start: string;
}

const encodeContinue = ({ revision, start }: Continuation): string => Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start })).toString("base64url");

function decodeContinue(token: string): Continuation {
  const problem = (detail: string) => badRequest(`invalid continue token: continue key is not valid: ${detail}`);
  const bad = /[^\w-]/.exec(token)?.index ?? (token.length % 4 === 1 ? token.length - 1 : undefined);
  if (bad !== undefined) throw problem(`illegal base64 data at input byte ${bad}`);
  let value: { readonly v?: unknown; readonly rv?: unknown; readonly start?: unknown };
  try {
    value = JSON.parse(Buffer.from(token, "base64url").toString()) as typeof value;
  } catch (error) {
    throw problem(error instanceof Error ? error.message : String(error));
  }
  const is = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  if (is !== "object") throw problem(`json: cannot unmarshal ${is} into Go value of type storage.continueToken`);
  if ((value as unknown) === null || value.v !== "meta.k8s.io/v1") throw problem(`server does not recognize this encoded version ${String((value as typeof value | null)?.v ?? "")}`);
  if (typeof value.rv !== "number" || value.rv === 0 || !Number.isSafeInteger(value.rv)) throw problem("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (typeof value.start !== "string" || value.start === "") throw problem("encoded start key empty (version meta.k8s.io/v1)");
  // Nobody leaves the prefix of the resource by it.
  if (!isCleanPath(value.start)) throw badRequest(`invalid continue token: continue key is not valid: ${value.start}`);
  return { revision: value.rv, start: value.start };
}

/** As Go's path.Clean would leave it: no empty step, no step to here or up. */
const isCleanPath = (start: string): boolean => start.replace(/^\//, "").split("/").every((step, _, steps) => (step !== "" || steps.length === 1) && step !== "." && step !== "..");

export function tooLargeResourceVersion(requested: number, current: number): StatusError {
  return new StatusError("Timeout", `Timeout: Too large resource version: ${requested}, current: ${current}`, {
    details: { causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }], retryAfterSeconds: 1 },
  });
}

function listedRevision(resourceVersion: string): number {
  try {
    return revisionOf(resourceVersion);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw badRequest(`invalid resource version: ${error.message}`);
  }
}

/** A list as of one revision, whole or in pages. @throws {StatusError} BadRequest, Expired, Timeout */
export async function list(state: ClusterState, served: Served, namespace: string, query: ListQuery): Promise<Extract<Answer, { is: "list" }>> {
  const chosen = selection(served.resource, query.labelSelector, query.fieldSelector);
  if (query.continue !== "" && query.resourceVersion !== "" && query.resourceVersion !== "0") throw badRequest("specifying resource version is not allowed when using continue");

  if (query.resourceVersion !== "0" || query.continue !== "") {
    const waiting = state.fresh();
    if (waiting) await waiting;
  }
  const from = query.continue === "" ? undefined : decodeContinue(query.continue);
  const requested = from ? from.revision : listedRevision(query.resourceVersion);
  if (requested > state.revision) throw tooLargeResourceVersion(requested, state.revision);

  const { cache } = served.registry;
  const past = (from !== undefined && from.revision > 0) || query.resourceVersionMatch === "Exact" || (query.limit > 0 && requested > 0 && query.resourceVersionMatch === "");
  if (past && requested < cache.lastChange) return await listPast(state, served, namespace, query, chosen, requested, from?.start ?? "");

  if (cache.unreadable.size > 0) await state.readAgain(cache, rangeOf(served, namespace, chosen));
  if (chosen.node !== undefined) {
    const finding = cache.whenNodesKnown(state.turns);
    if (finding) await finding;
  }

  const revision = past ? requested : state.revision;
  const { lastChange } = cache;
  const found = pageOfAll(served, namespace, chosen, query, from?.start ?? "", revision) ?? await page(state, served, candidates(served, namespace, chosen, from?.start ?? ""), chosen, query, revision);
  if (chosen !== everything) return found;
  return { ...found, identity: { cache, lastChange, question: `${served.type.version}|${namespace}|${query.limit}|${from?.start ?? ""}` } };
}

/** A page of all as they are stored: nothing has to be looked at but the page, and that not closely. Undefined for other questions. */
function pageOfAll(served: Served, namespace: string, chosen: Selection, { limit }: ListQuery, start: string, revision: number): Extract<Answer, { is: "list" }> | undefined {
  if (limit === 0 || chosen !== everything || served.conversion) return undefined;
  const { cache } = served.registry;
  const within = served.type.namespaced ? namespace : "";
  const found = cache.firstEntries(within, start, limit + 1);
  const next = found[limit];
  if (!next) return { is: "list", served, entries: found, revision };
  return { is: "list", served, entries: found.slice(0, limit), revision, continue: encodeContinue({ revision, start: next.key }), remaining: cache.countFrom(within, next.key) };
}

/** Which keys a list or watch looks at, as far as that is easily told. */
export function rangeOf({ type, registry }: Served, namespace: string, { name, namespace: selected }: Selection): { readonly key?: string; readonly namespace?: string } {
  if (name !== undefined && (!type.namespaced || namespace !== "")) return { key: registry.keyOf(namespace, name) };
  return { namespace: type.namespaced ? (namespace === "" ? (selected ?? "") : namespace) : "" };
}

/** Everything that can be chosen, in order, from the key `start` on; of nodes once it is known what is on them. */
export function candidates(served: Served, namespace: string, chosen: Selection, start: string): readonly CacheEntry[] {
  const { cache } = served.registry;
  const within = !served.type.namespaced ? "" : namespace === "" ? (chosen.namespace ?? "") : namespace;
  if (chosen.name !== undefined && (!served.type.namespaced || namespace !== "")) {
    const entry = cache.get(served.registry.keyOf(namespace, chosen.name));
    return entry && entry.key >= start ? [entry] : [];
  }
  const onNode = chosen.node === undefined ? undefined : cache.entriesOfNode(chosen.node);
  if (!onNode) return cache.entries(within, start);
  return onNode.filter(({ key }) => key >= start && (within === "" || key.startsWith(`${within}/`))).sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** So many entries are looked at in one turn; each may have to be parsed first. */
const entriesPerTurn = 128;

/** What is chosen of a picture of the cache. However many there are to look at, the thread is not held. */
async function page({ turns }: ClusterState, served: Served, entries: readonly CacheEntry[], chosen: Selection, query: ListQuery, revision: number): Promise<Extract<Answer, { is: "list" }>> {
  const selects = chosen !== everything;
  /** Nothing of an entry has to be looked at. */
  const asTheyAre = !selects && !served.conversion;
  if (query.limit === 0 && asTheyAre) return { is: "list", served, entries, revision };
  const found: CacheEntry[] = [];
  const most = query.limit === 0 ? Infinity : query.limit;
  let at = 0;
  for (; at < entries.length && found.length < most; at++) {
    if (!asTheyAre && at % entriesPerTurn === entriesPerTurn - 1) await turns.next();
    const entry = entries[at];
    if (entry && (!selects || chosen.matches(objectAs(served, entry.shared)))) found.push(entryAs(served, entry));
  }
  const next = entries[at];
  if (!next) return { is: "list", served, entries: found, revision };
  return { is: "list", served, entries: found, revision, continue: encodeContinue({ revision, start: next.key }), ...(!selects && { remaining: entries.length - at }) };
}

async function listPast(state: ClusterState, served: Served, namespace: string, query: ListQuery, chosen: Selection, revision: number, start: string): Promise<Extract<Answer, { is: "list" }>> {
  const { cache } = served.registry;
  const prefix = namespace === "" || !served.type.namespaced ? cache.prefix : `${cache.prefix}${namespace}/`;
  const found: CacheEntry[] = [];
  // Keys are read after a given one; the character before the start makes that the start itself.
  let after = start === "" ? undefined : justBefore(cache.prefix + start);
  try {
    for (;;) {
      // One more than are wanted says whether there are more.
      const pageMax = query.limit > 0 ? Math.min(pastPageMax, query.limit + 1 - found.length) : pastPageMax;
      const { entries, remaining } = await state.store.list(prefix, { revision, limit: pageMax, count: false, ...(after !== undefined && { after }) });
      for (const { key, value, revision: changed, unreadable } of entries) {
        if (unreadable) throw unreadableError(unreadable, key);
        const entry = new CacheEntry(cache.form, key.slice(cache.prefix.length), changed, value);
        if (query.limit > 0 && found.length === query.limit) {
          return {
            is: "list", served, entries: found, revision, continue: encodeContinue({ revision, start: entry.key }),
            // How many there are by now: the number is no more than an estimate by the contract of the API, and counting those of then would be a walk over all keys.
            ...(chosen === everything && { remaining: Math.max(1, cache.countFrom(served.type.namespaced ? namespace : "", entry.key)) }),
          };
        }
        if (chosen === everything || chosen.matches(objectAs(served, entry.object))) found.push(entryAs(served, entry));
      }
      if (remaining === 0) return { is: "list", served, entries: found, revision };
      after = entries.at(-1)?.key;
    }
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    if (query.continue === "") throw expired("The resourceVersion for the provided list is too old.");
    throw new ExpiredContinue(encodeContinue({ revision: -1, start }));
  }
}

/** 410 with a token that goes on with the present: consistency between pages is lost, but nothing is given twice. */
export class ExpiredContinue extends StatusError {
  readonly token: string;

  constructor(token: string) {
    super("Expired", "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, "
      + "or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list "
      + "- objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.");
    this.token = token;
  }

  override toStatus() {
    return { ...super.toStatus(), metadata: { continue: this.token } };
  }
}

function justBefore(key: string): string {
  const last = key.charCodeAt(key.length - 1);
  return `${key.slice(0, -1)}${String.fromCharCode(last - 1)}\uffff`;
}
