import { pods, type Pod } from "../../api/generated/core-v1.ts";
import { isConflict, isNotFound } from "../../apimachinery/status-error.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { runController, type Context, type Controller } from "../../client/controller.ts";
import type { Runnable } from "../controllers.ts";
import { EventRecorder } from "../../client/event-recorder.ts";
import { Informers } from "../../client/informers.ts";
import { FakeTransport, type FakeTransportOptions } from "../../client/testing/fake-transport.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { TypedClient } from "../../client/typed-client.ts";
import { silentLog, type Log } from "../../stdx/log.ts";
import { seededRandom } from "../../stdx/random.ts";
import { StepRing, Tracer } from "../../stdx/steps.ts";

/** Controllers over the fake API server, on a clock that stands still. */
export class World implements Disposable {
  readonly clock = new ManualClock();
  readonly transport: FakeTransport;
  readonly client: TypedClient;
  readonly errors: string[] = [];
  readonly #stop = new AbortController();

  constructor(controllers: readonly (Controller | Runnable)[], options: Omit<FakeTransportOptions, "clock"> = {}) {
    this.transport = new FakeTransport({ clock: this.clock, ...options });
    this.client = new TypedClient(this.transport);
    const log: Log = { ...silentLog, warn: (message, fields) => void this.errors.push(`${message}: ${String(fields?.["error"])}`), with: () => log };
    const random = seededRandom(1);
    const { clock } = this;
    const { signal } = this.#stop;
    const informers = new Informers({ client: this.client, clock, random, log, signal });
    for (const controller of controllers) {
      const context: Context = {
        client: informers.client, informers, clock, random, log, signal,
        tracer: new Tracer({ component: controller.name, steps: new StepRing({ stepsMax: 100 }), clock }),
        events: new EventRecorder({ client: this.client, clock, log, component: controller.name, signal }),
      };
      ("run" in controller ? controller.run(context) : runController(controller, context)).catch((error: unknown) => {
        if (!signal.aborted) this.errors.push(`a controller ended: ${String(error)}`);
      });
    }
  }

  /** Lets `ms` pass and everything that follows from it happen. */
  pass(ms = 0): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Does what a kubelet does, at once: starts bound pods and ends those that are deleted. */
  async kubelet(change: (pod: Pod) => Partial<Pod["status"]> | undefined = () => ({ phase: "Running" })): Promise<void> {
    for (const pod of (await this.client.list(pods)).items) await this.#kubelet(pod, change).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error; // Somebody else was first.
    });
    await this.pass();
  }

  async #kubelet(pod: Pod, change: (pod: Pod) => Partial<Pod["status"]> | undefined): Promise<void> {
    const { name = "", namespace = "", deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined) {
      await this.client.delete(pods, { name, namespace }, { gracePeriodSeconds: 0 });
      return;
    }
    if (pod.status?.phase === "Running") return;
    const status = change(pod);
    if (status) await this.client.updateStatus(pods, { ...pod, status: { conditions: [{ type: "Ready", status: "True", lastTransitionTime: formatTime(this.clock.now()) }], ...status } as NonNullable<Pod["status"]> });
  }

  [Symbol.dispose](): void {
    this.#stop.abort(new Error("the test is over"));
  }
}
