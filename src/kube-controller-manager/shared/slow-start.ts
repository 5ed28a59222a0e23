/**
 * Does the same thing `count` times, in batches of 1, 2, 4, … at once, and stops after the first batch with an error: what fails for all fails once.
 * Rejects with the first error; how many went well is lost with it, since the caches know.
 */
export async function slowStart(count: number, act: (index: number) => Promise<void>): Promise<void> {
  for (let done = 0, size = 1; done < count; done += size, size *= 2) {
    const batch = Array.from({ length: Math.min(size, count - done) }, (_, index) => act(done + index));
    throwFirst(await Promise.allSettled(batch));
  }
}

/** Waits for all, then rejects with the first error. */
export async function allOf(acts: Iterable<Promise<unknown>>): Promise<void> {
  throwFirst(await Promise.allSettled(acts));
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
