import type { Container, Pod, Secret } from "../../api/generated/core-v1.ts";
import { formatDurationMs } from "../../apimachinery/time.ts";
import type { Cri } from "../../cri/cri.ts";
import type { PodSandboxConfig } from "../../cri/generated/cri-v1.ts";
import { isRpcError, rpcErrorText, type Input } from "../../stdx/grpc.ts";
import { race } from "../../stdx/abort.ts";
import type { Clock } from "../../stdx/clock.ts";
import { StartError } from "../containers/start-error.ts";
import type { PodEvents } from "../pod/events.ts";
import { uidOf } from "../pod/pod.ts";
import { credentialsFor } from "./credentials.ts";
import { withDefaultTag } from "./image-name.ts";
import { KeyedBackoff } from "./keyed-backoff.ts";

export const pullBackoffMs = 10_000;
export const pullBackoffMsMax = 300_000;
/** Pulls at the same time, over all pods; others wait. */
const pullsMax = 5;

export interface PresentImage {
  /** What the runtime calls it: its id. */
  readonly ref: string;
  readonly uid: number | undefined;
  readonly username: string;
  readonly pulled: boolean;
}

export interface PullOptions {
  readonly pod: Pod;
  readonly container: Container;
  readonly fieldPath: string;
  /** Read only when something is pulled. */
  readonly secrets: () => Promise<readonly Secret[]>;
  readonly sandboxConfig: Input<PodSandboxConfig>;
  readonly signal: AbortSignal;
}

/** The code of an error says something only where it is one of its own. */
const pullErrorText = (error: unknown): string => (isRpcError(error, "UNKNOWN") ? error.message : rpcErrorText(error));

/** Sees to it that images are there before containers need them. Failures are `StartError` with the reason that the status shows. */
export class ImagePuller {
  readonly #cri: Cri;
  readonly #clock: Clock;
  readonly #events: PodEvents;
  readonly #backoff = new KeyedBackoff({ delayMs: pullBackoffMs, delayMsMax: pullBackoffMsMax });
  readonly #lastErrors = new Map<string, string>();
  /** The same image with the same credentials is pulled once for all who wait for it. */
  readonly #pulling = new Map<string, Promise<void>>();
  readonly #asked = new Map<string, Promise<PresentImage | undefined>>();
  #free = pullsMax;
  readonly #waiting: (() => void)[] = [];

  constructor(options: { readonly cri: Cri; readonly clock: Clock; readonly events: PodEvents }) {
    this.#cri = options.cri;
    this.#clock = options.clock;
    this.#events = options.events;
  }

  /** Milliseconds until a pull is tried again; 0 when nothing keeps it. */
  remainingMs(pod: Pod, image: string): number {
    return this.#backoff.remainingMs(`${uidOf(pod)}_${image}`, this.#clock.now());
  }

  forget(pod: Pod): void {
    this.#backoff.forget(`${uidOf(pod)}_`);
    for (const key of this.#lastErrors.keys()) if (key.startsWith(`${uidOf(pod)}_`)) this.#lastErrors.delete(key);
  }

  async ensure(options: PullOptions): Promise<PresentImage> {
    const { pod, container, fieldPath, signal } = options;
    const requested = container.image ?? "";
    const tell = (type: "Normal" | "Warning", reason: string, message: string): void => this.#events.event(pod, type, reason, message, { fieldPath });
    let image: string;
    try {
      image = withDefaultTag(requested);
    } catch (error) {
      const message = `Failed to apply default image tag ${JSON.stringify(requested)}: ${error instanceof Error ? error.message : String(error)}`;
      tell("Warning", "InspectFailed", message);
      throw new StartError("InvalidImageName", message);
    }

    const policy = container.imagePullPolicy ?? (image.endsWith(":latest") ? "Always" : "IfNotPresent");
    if (policy !== "Always") {
      const present = await this.#present(image, signal);
      if (present) return present;
      if (policy === "Never") {
        const message = `Container image ${JSON.stringify(requested)} is not present with pull policy of Never`;
        tell("Warning", "ErrImageNeverPull", message);
        throw new StartError("ErrImageNeverPull", message);
      }
    }
    return this.#pull(image, requested, options, tell);
  }

  /** Pods that come together with the same image ask the runtime once; none of them takes the answer away from the others when it ends. */
  #present(image: string, signal: AbortSignal): Promise<PresentImage | undefined> {
    const asked = this.#asked.get(image) ?? this.#ask(image).finally(() => this.#asked.delete(image));
    this.#asked.set(image, asked);
    return race(asked, signal);
  }

  async #ask(image: string): Promise<PresentImage | undefined> {
    const { image: found } = await this.#cri.imageStatus({ image: { image } });
    return found ? { ref: found.id, uid: found.uid?.value ?? (found.username === "" ? 0 : undefined), username: found.username, pulled: false } : undefined;
  }

  async #pull(image: string, requested: string, { pod, secrets, sandboxConfig, signal }: PullOptions, tell: (type: "Normal" | "Warning", reason: string, message: string) => void): Promise<PresentImage> {
    const key = `${uidOf(pod)}_${requested}`;
    if (this.#backoff.remainingMs(key, this.#clock.now()) > 0) {
      const message = `Back-off pulling image ${JSON.stringify(requested)}`;
      tell("Normal", "BackOff", message);
      const last = this.#lastErrors.get(key);
      throw new StartError("ImagePullBackOff", last === undefined ? message : `${message}: ${last}`);
    }
    this.#lastErrors.delete(key);
    tell("Normal", "Pulling", `Pulling image ${JSON.stringify(requested)}`);
    const startedMs = this.#clock.now();
    let pullStartedMs = startedMs;
    try {
      const credentials = credentialsFor(image, await secrets());
      const shared = `${image} ${JSON.stringify(credentials)}`;
      const pulling = this.#pulling.get(shared) ?? this.#withSlot(async () => {
        pullStartedMs = this.#clock.now();
        await this.#pullWith(image, credentials, sandboxConfig, signal);
      }, signal).finally(() => this.#pulling.delete(shared));
      this.#pulling.set(shared, pulling);
      await pulling;
      const { image: found } = await this.#cri.imageStatus({ image: { image } }, { signal });
      if (!found) throw new Error(`image ${JSON.stringify(image)} is not there after it was pulled`);
      const nowMs = this.#clock.now();
      this.#backoff.reset(key);
      tell("Normal", "Pulled", `Successfully pulled image ${JSON.stringify(requested)} in ${formatDurationMs(nowMs - pullStartedMs)} (${formatDurationMs(nowMs - startedMs)} including waiting). Image size: ${found.size} bytes.`);
      return { ref: found.id, uid: found.uid?.value ?? (found.username === "" ? 0 : undefined), username: found.username, pulled: true };
    } catch (error) {
      signal.throwIfAborted();
      const text = pullErrorText(error);
      tell("Warning", "Failed", `Failed to pull image ${JSON.stringify(requested)}: ${text}`);
      this.#backoff.failed(key, this.#clock.now());
      this.#lastErrors.set(key, `ErrImagePull: ${text}`);
      throw new StartError("ErrImagePull", text, { cause: error });
    }
  }

  async #pullWith(image: string, credentials: ReturnType<typeof credentialsFor>, sandboxConfig: Input<PodSandboxConfig>, signal: AbortSignal): Promise<void> {
    if (credentials.length === 0) {
      await this.#cri.pullImage({ image: { image }, sandboxConfig }, { signal, deadlineMs: 0 });
      return;
    }
    const errors: unknown[] = [];
    for (const auth of credentials) {
      try {
        await this.#cri.pullImage({ image: { image }, auth, sandboxConfig }, { signal, deadlineMs: 0 });
        return;
      } catch (error) {
        signal.throwIfAborted();
        errors.push(error);
      }
    }
    throw errors.length === 1 ? errors[0] : new Error(`[${errors.map(pullErrorText).join(", ")}]`);
  }

  async #withSlot<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      signal.throwIfAborted();
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
