import { leases, type Lease } from "../api/generated/coordination-v1.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../apimachinery/status-error.ts";
import { formatMicroTime } from "../apimachinery/time.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import type { Client } from "./client.ts";

export interface LeaderElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly namespace: string;
  readonly name: string;
  /** Unique per process: "host_uuid". */
  readonly identity: string;
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  /** How often one that does not lead looks at the lease, which is how long a lease that was given back lies there; as often as a leader renews it unless told. */
  readonly waitPeriodMs?: number;
  readonly signal: AbortSignal;
}

/** The lease could not be renewed in time; somebody else may lead now. */
export class LeadershipLostError extends Error {
  override readonly name = "LeadershipLostError";
}

/** What one look at the lease says. */
export type LeaseDecision =
  | { readonly act: "create" | "renew" | "take"; readonly lease: Lease }
  | { readonly act: "wait" };

/**
 * Waits until this process leads, then runs `lead` with a signal that aborts when leadership is lost, and gives the lease back at the end.
 * Rejects with LeadershipLostError when it was lost, so that the caller can end the process or start over.
 */
export async function runAsLeader(options: LeaderElectionOptions, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000, waitPeriodMs = retryPeriodMs, clock, random, log, name, signal } = options;
  const elector = new Elector({ ...options, leaseDurationMs });
  while (!(await elector.tryOnce())) await clock.sleep(waitPeriodMs * (1 + 0.2 * random.next()), { signal });
  log.info("became the leader", { lease: name });

  const lost = new AbortController();
  const done = new AbortController();
  const renewing = keepRenewing();
  try {
    await lead(AbortSignal.any([signal, lost.signal]));
    lost.signal.throwIfAborted();
  } finally {
    done.abort();
    await renewing;
    if (!lost.signal.aborted) await elector.release();
  }

  async function keepRenewing(): Promise<void> {
    const ends = AbortSignal.any([signal, done.signal]);
    let renewedMs = clock.now();
    for (;;) {
      if (!(await clock.sleep(retryPeriodMs, { signal: ends }).then(() => true, () => false))) return;
      if (await elector.tryOnce()) renewedMs = clock.now();
      else if (clock.now() - renewedMs >= renewDeadlineMs) return lost.abort(new LeadershipLostError(`the lease ${name} could not be renewed within ${renewDeadlineMs} ms`));
    }
  }
}

class Elector {
  readonly #options: LeaderElectionOptions & { readonly leaseDurationMs: number };
  /** The last lease seen, and when this process first saw it like that: the clocks of others are not trusted. */
  #seen: { readonly resourceVersion: string; readonly atMs: number } | undefined;

  constructor(options: LeaderElectionOptions & { readonly leaseDurationMs: number }) {
    this.#options = options;
  }

  async tryOnce(): Promise<boolean> {
    const { client, clock, namespace, name, identity, leaseDurationMs, log, signal } = this.#options;
    try {
      const lease = await client.get(leases, { namespace, name }, { signal }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      const nowMs = clock.now();
      const resourceVersion = lease?.metadata.resourceVersion ?? "";
      if (this.#seen?.resourceVersion !== resourceVersion) this.#seen = { resourceVersion, atMs: nowMs };
      const decision = decideLease(lease, { namespace, name, identity, leaseDurationMs, nowMs, seenMs: this.#seen.atMs });
      if (decision.act === "wait") return false;
      const written = decision.act === "create" ? await client.create(leases, decision.lease, { signal }) : await client.update(leases, decision.lease, { signal });
      this.#seen = { resourceVersion: written.metadata.resourceVersion ?? "", atMs: nowMs };
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!isConflict(error) && !isAlreadyExists(error)) log.warn("the leader lease cannot be reached", { lease: name, error });
      return false;
    }
  }

  /** So that a successor need not wait. Runs although the signal has aborted: it is the last thing done. */
  async release(): Promise<void> {
    const { client, clock, namespace, name, identity, log } = this.#options;
    try {
      const lease = await client.get(leases, { namespace, name });
      if (lease.spec?.holderIdentity !== identity) return;
      const time = formatMicroTime(clock.now());
      await client.update(leases, { ...lease, spec: { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: time, acquireTime: time } });
    } catch (error) {
      log.debug("the leader lease could not be given back; it runs out by itself", { lease: name, error });
    }
  }
}

export function decideLease(
  lease: Lease | undefined,
  { namespace, name, identity, leaseDurationMs, nowMs, seenMs }: { readonly namespace: string; readonly name: string; readonly identity: string; readonly leaseDurationMs: number; readonly nowMs: number; readonly seenMs: number },
): LeaseDecision {
  const renewTime = formatMicroTime(nowMs);
  const leaseDurationSeconds = Math.round(leaseDurationMs / 1000);
  if (!lease) {
    return { act: "create", lease: { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace, name }, spec: { holderIdentity: identity, leaseDurationSeconds, acquireTime: renewTime, renewTime, leaseTransitions: 0 } } };
  }
  const holder = lease.spec?.holderIdentity ?? "";
  if (holder === identity) return { act: "renew", lease: { ...lease, spec: { ...lease.spec, leaseDurationSeconds, renewTime } } };
  const theirDurationMs = (lease.spec?.leaseDurationSeconds ?? leaseDurationSeconds) * 1000;
  if (holder !== "" && seenMs + theirDurationMs > nowMs) return { act: "wait" };
  return { act: "take", lease: { ...lease, spec: { ...lease.spec, holderIdentity: identity, leaseDurationSeconds, acquireTime: renewTime, renewTime, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 } } };
}
