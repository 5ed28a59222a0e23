import type { HttpTransport } from "../client/http-transport.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Step, Steps } from "../stdx/steps.ts";

/** Steps that wait to be sent; beyond this the oldest are given up, since a trace is worth less than the memory of a node. */
const waitingMax = 5_000;
/** What happens within this time goes in one request: sooner than anybody looks, and late enough that pods which start do not each pay for several requests. */
const gatherMs = 100;
const retryDelayMs = 1_000;

/** Hands an agent's steps to the API server, which keeps them with its own. */
export class StepSender implements Steps {
  readonly #options: { readonly transport: HttpTransport; readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal };
  #waiting: Step[] = [];
  #sending = false;

  constructor(options: { readonly transport: HttpTransport; readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal }) {
    this.#options = options;
  }

  record(step: Step): void {
    this.#waiting.push(step);
    if (this.#waiting.length > waitingMax) this.#waiting.shift();
    if (!this.#sending) void this.#send();
  }

  async #send(): Promise<void> {
    const { transport, clock, log, signal } = this.#options;
    this.#sending = true;
    try {
      while (this.#waiting.length > 0) {
        await clock.sleep(gatherMs, { signal });
        const batch = this.#waiting;
        this.#waiting = [];
        try {
          using response = await transport.raw({ method: "POST", path: "/debug/steps", headers: { "content-type": "application/x-ndjson" }, body: `${batch.map((step) => JSON.stringify(step)).join("\n")}\n`, signal });
          if (response.status >= 400) log.warn("the server does not take steps", { status: response.status, text: await response.text() });
        } catch (error) {
          if (signal.aborted) return;
          log.debug("steps could not be sent", { error });
          this.#waiting = [...batch, ...this.#waiting].slice(-waitingMax);
          await clock.sleep(retryDelayMs, { signal });
        }
      }
    } catch (error) {
      if (!signal.aborted) log.warn("steps are not sent any more", { error });
    } finally {
      this.#sending = false;
    }
  }
}
