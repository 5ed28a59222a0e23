import module from "node:module";
import { systemClock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";

/** By then a process has started and has done most of what it ever does, so that most of its functions were compiled. */
const compiledAfterMs = 10_000;

/**
 * Runs a component until the signal aborts. What nobody caught is a bug: it is logged with its cause and does not end the process, since everything
 * else in it serves somebody (design decision 12).
 */
export async function untilEnded(log: Log, signal: AbortSignal, run: (signal: AbortSignal) => Promise<void>): Promise<number> {
  process.on("unhandledRejection", (error) => signal.aborted || log.error("a rejection that nobody handled", { error }));
  process.on("uncaughtException", (error) => log.error("an exception that nobody caught", { error }));
  // Node keeps what was compiled when a process ends, but ours run for weeks, and many end by SIGKILL.
  systemClock.sleep(compiledAfterMs, { signal }).then(() => module.flushCompileCache(), () => {});
  try {
    await run(signal);
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    log.error("ended by an error", { error });
    return 1;
  } finally {
    // Whatever still holds the process open after its end (a session, a timer) is of no more use.
    setImmediate(() => process.exit());
  }
}
