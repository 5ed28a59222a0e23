import type { Log } from "../stdx/log.ts";

/**
 * Runs a component until the signal aborts. What nobody caught is a bug: it is logged with its cause and does not end the process, since everything
 * else in it serves somebody (design decision 12).
 */
export async function untilEnded(log: Log, signal: AbortSignal, run: (signal: AbortSignal) => Promise<void>): Promise<number> {
  process.on("unhandledRejection", (error) => signal.aborted || log.error("a rejection that nobody handled", { error }));
  process.on("uncaughtException", (error) => log.error("an exception that nobody caught", { error }));
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
