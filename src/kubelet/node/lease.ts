import { leases, type Lease } from "../../api/generated/coordination-v1.ts";
import { isConflict, isNotFound } from "../../apimachinery/status-error.ts";
import { formatMicroTime } from "../../apimachinery/time.ts";
import type { Client } from "../../client/client.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { Random } from "../../stdx/random.ts";

const namespace = "kube-node-lease";
const durationSeconds = 40;
const renewEveryMs = 10_000;
/** Each renewal comes up to this part of the time later (upstream's component-helpers/apimachinery/lease): nodes drift until their renewals meet, and a server that answers those together keeps them together. */
const renewJitter = 0.04;
const retryDelayMs = 200;
const retryDelayMsMax = 7000;

/** Says every ten seconds that the node is alive. `owner` is the node's UID, once it is known. */
export async function renewLease(options: { readonly client: Client; readonly nodeName: string; readonly owner: () => string | undefined; readonly clock: Clock; readonly random: Random; readonly log: Log; readonly signal: AbortSignal }): Promise<void> {
  const { client, nodeName, owner, clock, random, log, signal } = options;
  let known: Lease | undefined;
  let failures = 0;
  let everRenewed = false;
  const renewed = (base: Lease | undefined): Lease => {
    const uid = owner();
    return {
      apiVersion: "coordination.k8s.io/v1", kind: "Lease",
      metadata: base?.metadata ?? { name: nodeName, namespace, ...(uid !== undefined && { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: nodeName, uid }] }) },
      spec: { ...base?.spec, holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, renewTime: formatMicroTime(clock.now()) },
    };
  };
  while (!signal.aborted) {
    try {
      known ??= await client.get(leases, { namespace, name: nodeName }, { signal }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      known = known ? await client.update(leases, renewed(known), { signal }) : await client.create(leases, renewed(undefined), { signal });
      failures = 0;
      everRenewed = true;
    } catch (error) {
      if (signal.aborted) return;
      if (isConflict(error) || isNotFound(error)) known = undefined;
      // A node may well start before its API server does.
      else (everRenewed ? log.warn : log.info).call(log, "the node's lease could not be renewed", { error });
      failures++;
    }
    const waitMs = failures === 0 ? renewEveryMs * (1 + renewJitter * random.next()) : Math.min(retryDelayMs * 2 ** (failures - 1), retryDelayMsMax);
    await clock.sleep(waitMs, { signal }).catch(() => undefined); // Rejects only on abort, which the loop sees.
  }
}
