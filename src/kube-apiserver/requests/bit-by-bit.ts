import type { Writable } from "node:stream";
import type { Clock } from "../../stdx/clock.ts";
import type { Reply } from "../output/respond.ts";

/** Resolves when everything was taken, or nobody is there to take it. */
export const drained = (writable: Writable): Promise<void> => new Promise((resolve) => {
  const done = () => {
    writable.off("drain", done).off("close", done);
    resolve();
  };
  writable.on("drain", done).on("close", done);
});

/** Where an answer goes that is sent while it is made. */
export interface PartialOutlet {
  /** Sends the head. */
  begin(code: number, headers: Reply["headers"]): Writable;
  /** Ends in the middle, so that the client can tell. */
  cut(): void;
}

export interface BitByBitOptions {
  readonly clock: Clock;
  /** A reader that takes nothing for so long is given up. */
  readonly stallMsMax: number;
  expired(): Error;
}

/** Takes the next piece when the reader has taken the last; a reader that goes ends the making, and so does one that stands still. */
export async function sendBitByBit(outlet: PartialOutlet, { code, headers, body }: Reply, rest: AsyncIterable<Uint8Array>, options: BitByBitOptions): Promise<void> {
  const writable = outlet.begin(code, headers);
  try {
    for (const piece of body) writable.write(piece);
    for await (const piece of rest) {
      if (writable.destroyed) return;
      if (!writable.write(piece) && !writable.destroyed) await drainedInTime(writable, options);
    }
  } catch (error) {
    outlet.cut(); // Half of an answer must not look like the whole of one.
    throw error;
  }
  if (!writable.destroyed) writable.end();
}

async function drainedInTime(writable: Writable, { clock, stallMsMax, expired }: BitByBitOptions): Promise<void> {
  const done = new AbortController();
  const late = clock.sleep(stallMsMax, { signal: done.signal }).then(() => Promise.reject(expired()), () => undefined);
  await Promise.race([drained(writable), late]).finally(() => done.abort());
}
