import { StatusError } from "../../apimachinery/status-error.ts";
import type { Soon } from "../../stdx/soon.ts";
import type { UserInfo } from "../access.ts";
import type { RequestInfo } from "./request-info.ts";

export interface InFlightOptions {
  /** Reads that are worked on at a time; upstream's `--max-requests-inflight`. 0: as many as come. */
  readonly readsMax?: number;
  /** Changes that are worked on at a time; upstream's `--max-mutating-requests-inflight`. 0: as many as come. */
  readonly changesMax?: number;
}

const readVerbs: ReadonlySet<string> = new Set(["get", "list", "watch"]);
const lastingVerbs: ReadonlySet<string> = new Set(["watch", "proxy"]);
const lastingSubresources: ReadonlySet<string> = new Set(["attach", "exec", "proxy", "log", "portforward"]);

/** Requests that are meant to stay open: they neither count here nor have a deadline. The same ones as upstream's. */
export const lasts = ({ verb, isResourceRequest, subresource }: RequestInfo): boolean => lastingVerbs.has(verb) || (isResourceRequest && subresource !== "" && lastingSubresources.has(subresource));

/** Too many requests at once. Upstream says so in plain text, from which clients make a message of their own. */
export class TooBusyError extends StatusError {
  constructor() {
    super("TooManyRequests", "Too many requests, please try again later.", { details: { retryAfterSeconds: 1 } });
  }
}

/**
 * How much is worked on at once, so that a server that is asked for more than it can do answers some at once and refuses the rest, and does not
 * answer all of them too late. It is the place of API Priority and Fairness, whose kinds are served but not followed yet.
 */
export class InFlight {
  readonly #readsMax: number;
  readonly #changesMax: number;
  #reads = 0;
  #changes = 0;

  constructor({ readsMax = 400, changesMax = 200 }: InFlightOptions = {}) {
    this.#readsMax = readsMax;
    this.#changesMax = changesMax;
  }

  get now(): { readonly reads: number; readonly changes: number } {
    return { reads: this.#reads, changes: this.#changes };
  }

  /** The work, when there is room for it. Administrators always get an answer, or nobody could look after a server that is too busy. @throws {TooBusyError} */
  admit<T>(info: RequestInfo, user: UserInfo, work: () => Soon<T>): Soon<T> {
    if (lasts(info)) return work();
    const reads = readVerbs.has(info.verb);
    const isFull = reads ? this.#readsMax > 0 && this.#reads >= this.#readsMax : this.#changesMax > 0 && this.#changes >= this.#changesMax;
    if (isFull) {
      if (!user.groups.includes("system:masters")) throw new TooBusyError();
      return work();
    }
    this.#count(reads, 1);
    let worked: Soon<T>;
    try {
      worked = work();
    } catch (error) {
      this.#count(reads, -1);
      throw error;
    }
    if (worked instanceof Promise) return worked.finally(() => this.#count(reads, -1));
    this.#count(reads, -1);
    return worked;
  }

  #count(reads: boolean, change: 1 | -1): void {
    if (reads) this.#reads += change;
    else this.#changes += change;
  }
}
