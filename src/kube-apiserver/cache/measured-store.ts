import { ConflictError, type Store } from "../../storage/store.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Metrics } from "../metrics.ts";

/** "/registry/apps/deployments/default/web" is of "deployments" in "apps", as far as `names` knows the prefix. */
export type ResourceOfKey = (key: string) => { readonly group: string; readonly resource: string };

/** The store, with every request to it measured. What it does not have (`latest`, `stale`) this one does not have either. */
export function measuredStore(store: Store, { metrics, clock, resourceOf }: { readonly metrics: Metrics; readonly clock: Clock; readonly resourceOf: ResourceOfKey }): Store {
  const measured = async <T>(operation: string, key: string, call: () => Promise<T>): Promise<T> => {
    const startedMs = clock.now();
    let failed = false;
    try {
      return await call();
    } catch (error) {
      // That somebody else was faster is an answer.
      failed = !(error instanceof ConflictError);
      throw error;
    } finally {
      metrics.stored({ operation, ...resourceOf(key), durationMs: clock.now() - startedMs, failed });
    }
  };
  const { latest, stale, placeOf } = store;
  const whole: Complete = {
    get revision() {
      return store.revision;
    },
    get: (key, options) => measured("get", key, () => store.get(key, options)),
    list: (prefix, options) => measured("list", prefix, () => store.list(prefix, options)),
    put: (key, value, options) => measured(options.expected === 0 ? "create" : "update", key, () => store.put(key, value, options)),
    delete: (key, options) => measured("delete", key, () => store.delete(key, options)),
    watch: (prefix, options) => store.watch(prefix, options),
    latest: latest && ((options) => latest.call(store, options)),
    expires: store.expires,
    placeOf: placeOf && ((key) => placeOf.call(store, key)),
    stale: stale && ((key, options) => stale.call(store, key, options)),
    compact: (revision) => store.compact(revision),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  return whole as Store;
}

/** All that a store may have, so that the compiler asks for whatever comes to that. */
type Complete = { readonly [K in keyof Required<Store>]: Store[K] };
