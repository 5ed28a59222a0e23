import type { TestEvent } from "node:test/reporters";

/** Writes one JSON object with the counts of a whole run, for the runner to add up. */
export default async function* countingReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  let [passed, failed, skipped] = [0, 0, 0];
  for await (const event of events) {
    // The summary of the whole run carries no file; those of single files do.
    if (event.type !== "test:summary" || event.data.file !== undefined) continue;
    const { tests, passed: ok, skipped: left, todo } = event.data.counts;
    // What was neither passed nor left out has failed or was cancelled.
    [passed, failed, skipped] = [ok, tests - ok - left - todo, left];
  }
  yield JSON.stringify({ passed, failed, skipped });
}
