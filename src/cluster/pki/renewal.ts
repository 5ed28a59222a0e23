import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import { ensurePki, type Pki, type PkiOptions } from "./pki.ts";

/** Looked at once a day at least: clocks get set, and a timer cannot wait for months. */
const checkMsMax = 24 * 60 * 60 * 1_000;
/** After a round that failed (a full disk). */
const retryMs = 60 * 60 * 1_000;

export interface RenewalOptions extends PkiOptions {
  readonly folder: string;
  readonly current: Pki;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Gets everything anew when at least one certificate was renewed. */
  readonly onRenewed: (pki: Pki) => void;
}

/** Renews certificates when two thirds of their life are over, for as long as the process runs. */
export async function keepPkiCurrent({ folder, current, log, signal, onRenewed, ...options }: RenewalOptions): Promise<void> {
  let waitMs = Math.max(0, current.renewalDueMs - options.clock.now());
  while (!signal.aborted) {
    try {
      await options.clock.sleep(Math.min(waitMs, checkMsMax), { signal });
      const pki = await ensurePki(folder, options);
      waitMs = Math.max(0, pki.renewalDueMs - options.clock.now());
      if (pki.issued.length > 0) {
        log.info("renewed certificates", { issued: pki.issued });
        onRenewed(pki);
      }
    } catch (error) {
      if (signal.aborted) return;
      log.error("could not renew certificates", { folder, error });
      waitMs = retryMs;
    }
  }
}
