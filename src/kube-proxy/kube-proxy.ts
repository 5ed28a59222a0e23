import type { Service } from "../api/generated/core-v1.ts";
import { services } from "../api/generated/core-v1.ts";
import { endpointslices, type EndpointSlice } from "../api/generated/discovery-v1.ts";
import type { Informers } from "../client/informers.ts";
import { command, CommandError } from "../stdx/command.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import { changeTransaction, rulesetOf, wholeTransaction, type Ruleset } from "./ruleset.ts";
import { serviceRoutes, type ServicePortRoute } from "./service-ports.ts";

export interface KubeProxyOptions {
  readonly informers: Informers;
  readonly nodeName: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Service addresses that something on this node answers itself: cluster DNS. */
  readonly excludedIps: ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Changes that come within this time share a transaction. */
const gatherMs = 5;
const retryDelayMs = 100;
const retryDelayMsMax = 30_000;

/** Keeps this node's nftables rules in step with Services and EndpointSlices, until `signal` aborts. Rules outlive it, so that traffic does. */
export async function runKubeProxy(options: KubeProxyOptions): Promise<void> {
  const { informers, nodeName, clusterCidr, serviceCidr, excludedIps, clock, log, signal } = options;
  const serviceInformer = informers.of<Service>(services);
  const sliceInformer = informers.of<EndpointSlice>(endpointslices);
  let wake = Promise.withResolvers<void>();
  const notify = () => wake.resolve();
  using _services = serviceInformer.cache.onChange(notify);
  using _slices = sliceInformer.cache.onChange(notify);
  signal.addEventListener("abort", notify, { once: true });
  await Promise.all([serviceInformer.whenSynced(signal), sliceInformer.whenSynced(signal)]);

  let applied: Ruleset | undefined;
  let routes: readonly ServicePortRoute[] = [];
  let failures = 0;
  while (!signal.aborted) {
    wake = Promise.withResolvers<void>();
    const nextRoutes = serviceRoutes({ services: serviceInformer.cache.list(), slices: sliceInformer.cache.list(), nodeName, excludedIps });
    const next = rulesetOf(nextRoutes, { clusterCidr });
    const transaction = applied ? changeTransaction(applied, next) : wholeTransaction(next, { serviceCidr });
    try {
      if (transaction !== "") await command(["nft", "-f", "-"], { input: transaction, signal });
      await forgetUdpFlows(routes, nextRoutes, log);
      [applied, routes, failures] = [next, nextRoutes, 0];
    } catch (error) {
      if (signal.aborted) return;
      log.error("the rules for Services could not be set", { error, transaction: transaction.slice(0, 2_000) });
      applied = undefined; // The table is made anew, whatever is in it now.
      await clock.sleep(Math.min(retryDelayMs * 2 ** failures++, retryDelayMsMax), { signal }).catch(() => {});
      continue;
    }
    await wake.promise;
    if (!signal.aborted) await clock.sleep(gatherMs, { signal }).catch(() => {});
  }
}

/**
 * A flow of UDP packets keeps the endpoint that it was once given, also when that is gone: the kernel has to be told to forget it. Needs the program
 * `conntrack`; without it such flows end by themselves, after 30 s without packets.
 */
async function forgetUdpFlows(previous: readonly ServicePortRoute[], next: readonly ServicePortRoute[], log: Log): Promise<void> {
  for (const [ip, port] of staleUdpTargets(previous, next)) {
    try {
      await command(["conntrack", "-D", "-p", "udp", "--dst-nat", ip, "--reply-port-src", String(port)]);
    } catch (error) {
      // It ends with 1 when there was no such flow.
      if (error instanceof CommandError && error.exitCode === null) return log.debug("conntrack is not installed: UDP flows to endpoints that are gone end by themselves", {});
    }
  }
}

export function staleUdpTargets(previous: readonly ServicePortRoute[], next: readonly ServicePortRoute[]): readonly (readonly [string, number])[] {
  const targets = (routes: readonly ServicePortRoute[]) => new Set(routes.filter(({ protocol }) => protocol === "udp").flatMap(({ internal, external }) => [...internal, ...external]).map(({ ip, port }) => `${ip}|${port}`));
  const now = targets(next);
  return [...targets(previous)].filter((each) => !now.has(each)).map((each) => {
    const [ip = "", port = "0"] = each.split("|");
    return [ip, Number(port)];
  });
}
