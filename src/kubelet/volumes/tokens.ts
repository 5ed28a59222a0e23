import { serviceaccounts, type Pod } from "../../api/generated/core-v1.ts";
import type { Random } from "../../stdx/random.ts";
import { timeMs } from "../../apimachinery/time.ts";
import type { Client } from "../../client/client.ts";
import type { Clock } from "../../stdx/clock.ts";
import { nameOf, namespaceOf, specOf, uidOf } from "../pod/pod.ts";

interface Token {
  readonly value: string;
  readonly refreshMs: number;
  readonly expiresMs: number;
}

const maxAgeMs = 24 * 3600 * 1000;
/** A token is renewed when this part of its life is over, a little earlier or later so that pods do not all come at once. */
const renewAfter = 0.8;
const jitterMsMax = 10_000;
const retryMs = 60_000;

/** Tokens of service accounts, bound to the pods that hold them. */
export class ServiceAccountTokens {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #tokens = new Map<string, Token>();

  constructor(options: { readonly client: Client; readonly clock: Clock; readonly random: Random }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** The token and when it is to be asked for again. An old one that is still good serves while the server does not answer. */
  async get(pod: Pod, options: { readonly audience: string; readonly expirationSeconds: number; readonly signal: AbortSignal }): Promise<{ readonly token: string; readonly refreshMs: number }> {
    const { audience, expirationSeconds, signal } = options;
    const account = specOf(pod).serviceAccountName ?? "default";
    const key = `${uidOf(pod)}/${account}/${audience}/${expirationSeconds}`;
    const known = this.#tokens.get(key);
    const nowMs = this.#clock.now();
    if (known && nowMs < known.refreshMs) return { token: known.value, refreshMs: known.refreshMs };
    try {
      const answer = await this.#client.post<{ readonly status?: { readonly token?: string; readonly expirationTimestamp?: string } }>(
        serviceaccounts, { namespace: namespaceOf(pod), name: account }, "token",
        {
          apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", metadata: {},
          spec: {
            ...(audience !== "" && { audiences: [audience] }), ...(audience === "" && { audiences: [] }), expirationSeconds,
            boundObjectRef: { apiVersion: "v1", kind: "Pod", name: nameOf(pod), uid: uidOf(pod) },
          },
        },
        { signal },
      );
      const expiresMs = timeMs(answer.status?.expirationTimestamp) ?? nowMs + expirationSeconds * 1000;
      const lifeMs = expiresMs - nowMs;
      const refreshMs = nowMs + Math.min(lifeMs * renewAfter, maxAgeMs) - this.#random.next() * Math.min(jitterMsMax, lifeMs * 0.1);
      const value = answer.status?.token ?? "";
      this.#tokens.set(key, { value, refreshMs, expiresMs });
      return { token: value, refreshMs };
    } catch (error) {
      signal.throwIfAborted();
      if (known && nowMs < known.expiresMs) return { token: known.value, refreshMs: nowMs + retryMs };
      throw error;
    }
  }

  release(podUid: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${podUid}/`)) this.#tokens.delete(key);
  }
}
