import type { Clock } from "./clock.ts";

/** The reason of a signal that aborted because time was up. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** Whether a signal was aborted, rather than something went wrong: the error is the signal's own reason. */
export const isAbort = (error: unknown, signal: AbortSignal): boolean =>
  signal.aborted && (error === signal.reason || (error instanceof Error && error.name === "AbortError"));

/** The promise, or the signal's reason when that comes first. The work goes on; only the waiting ends. */
export function race<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => undefined);
      reject(signal.reason);
      return;
    }
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A signal that lives no longer than this scope: `using scope = linkedScope(parent)`; leaving the block aborts what still runs in it. */
export interface AbortScope extends Disposable {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

/** Aborts when any of the signals does, with its reason; disposing removes the listeners and aborts. */
export function anySignal(...signals: readonly (AbortSignal | undefined)[]): AbortScope {
  const controller = new AbortController();
  const listeners: (() => void)[] = [];
  for (const signal of signals) {
    if (!signal) continue;
    if (signal.aborted) {
      controller.abort(signal.reason);
      break;
    }
    const forward = () => controller.abort(signal.reason);
    signal.addEventListener("abort", forward, { once: true });
    listeners.push(() => signal.removeEventListener("abort", forward));
  }
  const detach = () => {
    for (const remove of listeners.splice(0)) remove();
  };
  return {
    signal: controller.signal,
    abort(reason) {
      detach();
      controller.abort(reason);
    },
    [Symbol.dispose]() {
      detach();
      controller.abort();
    },
  };
}

/** Like `anySignal`, and aborts with a `TimeoutError` when the time is up. */
export function timeoutSignal(clock: Clock, timeoutMs: number, message: string, ...signals: readonly (AbortSignal | undefined)[]): AbortScope {
  const scope = anySignal(...signals);
  if (!scope.signal.aborted) clock.sleep(timeoutMs, { signal: scope.signal }).then(() => scope.abort(new TimeoutError(message)), () => undefined);
  return scope;
}

/** Runs work that must end within the time; its signal aborts when time is up or the outer signal aborts. */
export async function withTimeout<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { clock, timeoutMs, message, signal }: { readonly clock: Clock; readonly timeoutMs: number; readonly message: string; readonly signal?: AbortSignal },
): Promise<T> {
  using scope = timeoutSignal(clock, timeoutMs, message, signal);
  return await race(work(scope.signal), scope.signal);
}
