import type { Clock } from "./clock.ts";

/**
 * One thing that a component did for an object. The trace is the object's UID without its dashes (32 hexadecimal digits, as W3C trace ids are),
 * so nothing has to be carried along: whoever knows the object knows its trace.
 */
export interface Step {
  readonly trace: string;
  /** "kube-apiserver", "kube-scheduler", "kubelet", … */
  readonly component: string;
  /** What was done, in a few words: "authenticated", "filtered nodes", "created container". */
  readonly name: string;
  /** Milliseconds since the epoch, with a fraction. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export const traceOf = (uid: string): string => uid.replaceAll("-", "").toLowerCase();

export interface Steps {
  record(step: Step): void;
}

export interface StepRingOptions {
  /** How many steps are kept, over all traces; the oldest go first. */
  readonly stepsMax: number;
}

/** Keeps the latest steps in memory and tells listeners of new ones as they come. */
export class StepRing implements Steps {
  readonly #stepsMax: number;
  readonly #ring: Step[] = [];
  #next = 0;
  readonly #listeners = new Set<(step: Step) => void>();

  constructor(options: StepRingOptions) {
    this.#stepsMax = options.stepsMax;
  }

  record(step: Step): void {
    this.#ring[this.#next] = step;
    this.#next = (this.#next + 1) % this.#stepsMax;
    for (const listener of this.#listeners) listener(step);
  }

  /** Steps of one trace (or of all), in order of their start. */
  of(trace?: string): Step[] {
    return this.#ring.filter((step) => trace === undefined || step.trace === trace).toSorted((a, b) => a.startMs - b.startMs);
  }

  onStep(listener: (step: Step) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

/** Records for one component: `const end = tracer.start(uid, "created sandbox"); …; end({ id });` */
export class Tracer {
  readonly #component: string;
  readonly #steps: Steps;
  readonly #clock: Pick<Clock, "now">;

  constructor(options: { readonly component: string; readonly steps: Steps; readonly clock: Pick<Clock, "now"> }) {
    this.#component = options.component;
    this.#steps = options.steps;
    this.#clock = options.clock;
  }

  start(uid: string, name: string): (attributes?: Step["attributes"]) => void {
    const startMs = this.#clock.now();
    return (attributes = {}) => this.#steps.record({ trace: traceOf(uid), component: this.#component, name, startMs, endMs: this.#clock.now(), attributes });
  }

  /** A step without a length. */
  mark(uid: string, name: string, attributes?: Step["attributes"]): void {
    this.start(uid, name)(attributes);
  }
}
