import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { leases, type Lease } from "../../api/generated/coordination-v1.ts";
import { configmaps } from "../../api/generated/core-v1.ts";
import { isAlreadyExists, isNotFound } from "../../apimachinery/status-error.ts";
import { formatMicroTime, timeMs } from "../../apimachinery/time.ts";
import type { ApiRequest, Transport } from "../../apimachinery/transport.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import { randomUuid, type Random } from "../../stdx/random.ts";

export interface IdentityLeaseOptions {
  /** The server's own, as a member of system:masters. */
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Upstream's figures and names. */
const leaseSeconds = 3_600;
const renewMs = 10_000;
const collectMs = 3_600_000;
const namespace = "kube-system";
const identityLabel = "apiserver.kubernetes.io/identity";
const identity = "kube-apiserver";
const request = { group: leases.group, version: leases.version, resource: leases.plural, namespace } as const;
const base32 = "abcdefghijklmnopqrstuvwxyz234567";

/** "apiserver-" and what upstream makes of the names of host and component, each behind its length: half of a SHA-256 in base 32. */
export function identityLeaseName(host: string): string {
  const hash = createHash("sha256");
  for (const text of [host, identity].map((each) => Buffer.from(each))) hash.update(Buffer.from([text.length >> 8, text.length & 255])).update(text);
  const bits = [...hash.digest().subarray(0, 16)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return `apiserver-${(bits.match(/.{1,5}/g) ?? []).map((five) => base32[Number.parseInt(five.padEnd(5, "0"), 2)] ?? "").join("")}`;
}

export const isExpired = ({ spec }: Lease, nowMs: number): boolean => {
  const renewedMs = timeMs(spec?.renewTime ?? undefined);
  return renewedMs === undefined || spec?.leaseDurationSeconds === undefined || renewedMs + spec.leaseDurationSeconds * 1000 < nowMs;
};

/** Says in kube-system that this server is there, as long as the signal does not abort, and clears away what servers that went left behind. */
export async function keepIdentityLease(options: IdentityLeaseOptions): Promise<void> {
  const { transport, clock, random, log, signal } = options;
  const host = hostname();
  const name = identityLeaseName(host);
  const holderIdentity = `${name}_${randomUuid(random)}`;
  const quietly = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) log.warn(what, { error });
    }
  };
  // What a server before this one of the same name said does not hold any more.
  await quietly("an old lease of this server could not be deleted", () => unlessMissing(transport, { verb: "delete", ...request, name, body: {} }));
  await quietly("it could not be noted since when tokens are tracked", () => noteTokenTracking(transport, clock));
  let collectAtMs = 0;
  while (!signal.aborted) {
    await quietly("the lease of this server could not be renewed", () => renew(transport, clock, { name, host, holderIdentity }));
    if (clock.now() >= collectAtMs) {
      collectAtMs = clock.now() + collectMs;
      await quietly("leases of servers that are gone could not be deleted", () => collect(transport, clock));
    }
    await clock.sleep(renewMs * (1 + 0.04 * random.next()), { signal }).catch(() => undefined);
  }
  await transport.request({ verb: "delete", ...request, name, body: {} }).catch(() => undefined);
}

async function renew(transport: Transport, clock: Clock, { name, host, holderIdentity }: { readonly name: string; readonly host: string; readonly holderIdentity: string }): Promise<void> {
  const spec = { holderIdentity, leaseDurationSeconds: leaseSeconds, renewTime: formatMicroTime(clock.now()) };
  const labels = { [identityLabel]: identity, "kubernetes.io/hostname": host };
  try {
    await transport.request({ verb: "patch", ...request, name, patchType: "application/merge-patch+json", query: { fieldManager: "kube-apiserver" }, body: { metadata: { labels }, spec } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await transport.request({ verb: "create", ...request, query: { fieldManager: "kube-apiserver" }, body: { metadata: { name, namespace, labels }, spec } });
  }
}

async function collect(transport: Transport, clock: Clock): Promise<void> {
  const { items } = await transport.request({ verb: "list", ...request, query: { labelSelector: `${identityLabel}=${identity}` } }) as { readonly items: readonly Lease[] };
  for (const lease of items) {
    const { name = "", uid, resourceVersion } = lease.metadata;
    if (isExpired(lease, clock.now())) await unlessMissing(transport, { verb: "delete", ...request, name, body: { preconditions: { uid, resourceVersion } } });
  }
}

/** Since when the server notes which tokens that lie in Secrets are still used; upstream's legacy token tracking. */
async function noteTokenTracking(transport: Transport, clock: Clock): Promise<void> {
  const place = { group: configmaps.group, version: configmaps.version, resource: configmaps.plural, namespace } as const;
  const name = "kube-apiserver-legacy-service-account-token-tracking";
  try {
    await transport.request({ verb: "get", ...place, name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    try {
      await transport.request({ verb: "create", ...place, query: { fieldManager: "kube-apiserver" }, body: { metadata: { name, namespace }, data: { since: new Date(clock.now()).toISOString().slice(0, 10) } } });
    } catch (failed) {
      if (!isAlreadyExists(failed)) throw failed;
    }
  }
}

async function unlessMissing(transport: Transport, change: ApiRequest): Promise<void> {
  try {
    await transport.request(change);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
