import { internalStatusError, StatusError } from "../apimachinery/status-error.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import type { Answer, WatchSink } from "./answer.ts";
import type { CacheEntry } from "./cache/cache-entry.ts";
import type { ClusterState } from "./cache/cluster-state.ts";
import { candidates, rangeOf, tooLargeResourceVersion } from "./list.ts";
import { revisionOf, type ListQuery } from "./requests/query.ts";
import { everything, selection } from "./selectors.ts";
import { entryAs, objectAs, type Served } from "./served.ts";
import type { CacheEvent } from "./cache/cache-event.ts";

/** Watches without a timeout of their own end after this and up to as much again, so that they do not all come back at once. */
const timeoutSecondsMin = 1800;
/** How often a quiet watch hears how far the store has come. */
const bookmarkEveryMs = 60_000;
/** So many events are made in one turn; each object may have to be parsed and encoded first. */
const eventsPerTurn = 64;
/** What may happen while a watcher takes the state at the start; it is ended beyond. */
const queuedEventsMax = 20_000;

/** Upstream has begun to answer by the time it finds that it cannot: it is told as an event. */
const failed = (served: Served, error: StatusError): Extract<Answer, { is: "watch" }> => ({
  is: "watch", served, start: (sink) => {
    sink.error(error.toStatus());
    sink.end();
    return { [Symbol.dispose]: () => undefined };
  },
});

export interface WatchOptions {
  readonly state: ClusterState;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** @throws {StatusError} before anything was sent. */
export async function watch({ state, clock, random, log }: WatchOptions, served: Served, namespace: string, query: ListQuery): Promise<Extract<Answer, { is: "watch" }>> {
  const chosen = selection(served.resource, query.labelSelector, query.fieldSelector);
  const requested = revisionOf(query.resourceVersion);
  const waiting = state.fresh();
  if (waiting) await waiting;
  if (query.sendInitialEvents === true && requested > state.revision) return failed(served, tooLargeResourceVersion(requested, state.revision));

  const { cache } = served.registry;
  if (cache.unreadable.size > 0) {
    await state.readAgain(cache, rangeOf(served, namespace, chosen)).catch(() => {
      // Upstream's answer while its cache of a resource cannot be filled.
      throw new StatusError("TooManyRequests", "storage is (re)initializing", { details: { retryAfterSeconds: 1 } });
    });
  }
  const initial = query.sendInitialEvents ?? (requested === 0);
  const finding = initial && chosen.node !== undefined ? cache.whenNodesKnown(state.turns) : undefined;
  if (finding) await finding;
  const inNamespace = served.type.namespaced ? (namespace === "" ? (chosen.namespace ?? "") : namespace) : "";
  const all = chosen === everything;
  const sees = (entry: CacheEntry) => all || chosen.matches(objectAs(served, entry.shared));
  const outOfNamespace = (entry: CacheEntry) => inNamespace !== "" && !entry.key.startsWith(`${inNamespace}/`);

  const start = (sink: WatchSink): Disposable => {
    const ended = new AbortController();
    const subscriptions = new DisposableStack();
    const end = () => {
      if (ended.signal.aborted) return;
      ended.abort();
      subscriptions.dispose();
      sink.end();
    };
    /** What the client knows already. Later events may share a revision, so it does not move with them. */
    let known = 0;
    /** Events that have to wait for those before them; undefined when there are none, so that each is sent as it comes. */
    let queued: CacheEvent[] | undefined;
    const deliver = (event: CacheEvent) => {
      if (ended.signal.aborted || event.revision <= known || outOfNamespace(event.entry)) return;
      if (!guarded(() => send(event))) end();
    };
    const hear = (event: CacheEvent) => {
      if (!queued) return deliver(event);
      // Who is so slow to take the state at the start may as well begin anew.
      if (queued.push(event) > queuedEventsMax) end();
    };
    /** One watcher's failure is nobody else's. */
    const guarded = (deliverOne: () => boolean): boolean => {
      try {
        return deliverOne();
      } catch (error) {
        log.error("a watch ends because an event could not be sent", { resource: served.type.plural, error });
        sink.error(internalStatusError("an event could not be encoded").toStatus());
        return false;
      }
    };
    const send = (event: CacheEvent): boolean => {
      let fits = true;
      if (event.type === "DELETED") {
        if (all || (event.previous && sees(event.previous))) fits = sink.event("DELETED", entryAs(served, event.entry));
      } else if (all) fits = sink.event(event.type, entryAs(served, event.entry));
      else {
        const now = sees(event.entry);
        const before = event.previous !== undefined && sees(event.previous);
        if (now) fits = sink.event(before ? "MODIFIED" : "ADDED", entryAs(served, event.entry));
        else if (before) fits = sink.event("DELETED", entryAs(served, event.left));
      }
      return fits;
    };

    /** Sends one after the other, and lets others have their turn in between; for as long as it is few, all at once. What is sent in one turn goes out as one. */
    const eachInTurn = async <T>(all: Iterable<T>, act: (one: T) => void): Promise<void> => {
      let count = 0;
      sink.hold?.();
      try {
        for (const one of all) {
          const isFull = count > 0 && count % eventsPerTurn === 0;
          const slow = sink.drained?.();
          if (slow || isFull) {
            sink.release?.();
            if (slow) await slow;
            if (isFull) await state.turns.next();
            sink.hold?.();
          }
          if (ended.signal.aborted) return;
          act(one);
          count++;
        }
      } finally {
        sink.release?.();
      }
    };
    const sendState = (entries: readonly CacheEntry[]) => eachInTurn(entries, (entry) => {
      if (!sees(entry)) return;
      if (!guarded(() => sink.event("ADDED", entryAs(served, entry)))) end();
      entry.forgetEvents();
    });
    const sendQueued = async () => {
      while (queued && queued.length > 0) {
        const events: CacheEvent[] = queued;
        queued = [];
        await eachInTurn(events, deliver);
      }
      queued = undefined;
    };
    const begin = async () => {
      if (initial) {
        known = state.revision;
        queued = [];
        await sendState(candidates(served, namespace, chosen, ""));
        // Also of those who ask the old way, by no version or 0: upstream takes them to have asked for it.
        if (query.allowWatchBookmarks && !ended.signal.aborted) sink.bookmark(known, true);
      } else if (requested === 0) known = state.revision;
      else {
        const missed = cache.since(requested);
        if (!missed) {
          sink.error(new StatusError("Expired", `too old resource version: ${requested} (${cache.oldest})`).toStatus());
          return end();
        }
        known = requested;
        queued = [...missed];
      }
      await sendQueued();
    };
    begin().catch((error: unknown) => {
      log.error("a watch ends because it could not begin", { resource: served.type.plural, error });
      end();
    });

    const key = chosen.name !== undefined && (!served.type.namespaced || inNamespace !== "") ? served.registry.keyOf(inNamespace, chosen.name) : undefined;
    if (!ended.signal.aborted) {
      subscriptions.use(cache.onBroken(end));
      subscriptions.use(cache.listen({ ...(key !== undefined && { key }), ...(chosen.node !== undefined && { node: chosen.node }), namespace: inNamespace }, hear));
    }

    const seconds = query.timeoutSeconds !== undefined && query.timeoutSeconds > 0 ? query.timeoutSeconds : timeoutSecondsMin + random.below(timeoutSecondsMin);
    const after = (durationMs: number, then: () => void) => clock.sleep(durationMs, { signal: ended.signal }).then(then, () => undefined);
    void after(seconds * 1000, end);
    if (query.allowWatchBookmarks) {
      const bookmark = () => {
        // Not before everything up to there has been sent.
        if (!queued && !sink.bookmark(Math.max(state.revision, known), false)) return end();
        void after(bookmarkEveryMs, bookmark);
      };
      void after(bookmarkEveryMs, bookmark);
    }
    return { [Symbol.dispose]: end };
  };
  return { is: "watch", served, start };
}
