import { secrets, type Secret } from "../../api/generated/core-v1.ts";
import { isConflict, isNotFound } from "../../apimachinery/status-error.ts";
import { cacheOf, type Controller } from "../../client/controller.ts";

/** Milliseconds until a bootstrap token ends, 0 when it has; undefined for other secrets and for tokens without an end. An unreadable end has passed. */
export function expiresInMs({ type, metadata, data }: Secret, nowMs: number): number | undefined {
  if (type !== "bootstrap.kubernetes.io/token" || metadata.namespace !== "kube-system") return undefined;
  const text = Buffer.from(data?.["expiration"] ?? "", "base64").toString("utf8");
  if (text === "") return undefined;
  const untilMs = Date.parse(text);
  return Number.isNaN(untilMs) ? 0 : Math.max(untilMs - nowMs, 0);
}

/** Deletes bootstrap tokens, with which nodes join, when their time is over. */
export const bootstrapTokenCleaner: Controller = {
  name: "token-cleaner",
  resource: secrets,
  workers: 1,

  async reconcile(key, context) {
    const { client, clock, signal } = context;
    const secret = cacheOf(context, secrets).get(key);
    const waitMs = secret && expiresInMs(secret, clock.now());
    if (waitMs === undefined || waitMs > 0) return waitMs;
    const { name = "", namespace = "", uid = "" } = secret?.metadata ?? {};
    try {
      await client.delete(secrets, { name, namespace }, { preconditions: { uid }, signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  },
};
