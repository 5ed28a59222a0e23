import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Node } from "../../api/generated/core-v1.ts";
import type { Informer } from "../../client/informer.ts";
import { command } from "../../stdx/command.ts";
import type { Log } from "../../stdx/log.ts";
import { cniConfig } from "./cni-config.ts";
import { planRoutes, routeBatch, routeProtocol, type Route } from "./routes.ts";

export interface PodNetworkOptions {
  readonly nodes: Informer<Node>;
  readonly nodeName: string;
  /** Where containerd looks for its CNI configuration. */
  readonly cniConfDir: string;
  /** Where the addresses that are in use are written down. */
  readonly dataDir: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Joins this node to the pod network: writes the CNI configuration as soon as the node has a pod range, and keeps a route to every other node's pods.
 * Runs until `signal` aborts.
 */
export async function runPodNetwork(options: PodNetworkOptions): Promise<void> {
  const { nodes: informer, nodeName, log, signal } = options;
  let present: readonly Route[] = await presentRoutes();
  let wake = Promise.withResolvers<void>();
  const notify = () => wake.resolve();
  using _changes = informer.cache.onChange(notify);
  signal.addEventListener("abort", notify, { once: true });
  await informer.whenSynced(signal);

  while (!signal.aborted) {
    wake = Promise.withResolvers<void>();
    const all = informer.cache.list();
    const podCidr = all.find(({ metadata }) => metadata.name === nodeName)?.spec?.podCIDR;
    if (podCidr !== undefined && podCidr !== "") writeConfig(options, podCidr);
    const wanted = planRoutes(all, nodeName);
    const batch = routeBatch(wanted, present);
    if (batch !== "") {
      try {
        await command(["ip", "-force", "-batch", "-"], { input: batch, signal });
        present = wanted;
      } catch (error) {
        if (signal.aborted) return;
        log.error("routes to other nodes could not be set", { error, batch });
        present = await presentRoutes();
      }
    }
    await wake.promise;
  }
}

function writeConfig({ cniConfDir, dataDir, log }: PodNetworkOptions, podCidr: string): void {
  const file = join(cniConfDir, "10-keelson.conflist");
  const text = `${JSON.stringify(cniConfig({ podCidr, dataDir }), undefined, 2)}\n`;
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  mkdirSync(cniConfDir, { recursive: true });
  mkdirSync(dataDir, { recursive: true });
  // containerd reads the folder at each change: a file must appear whole.
  writeFileSync(`${file}.next`, text);
  renameSync(`${file}.next`, file);
  log.info("the node has joined the pod network", { podCidr });
}

async function presentRoutes(): Promise<readonly Route[]> {
  const routes = JSON.parse((await command(["ip", "-4", "-j", "route", "show", "proto", String(routeProtocol)])) || "[]") as readonly { readonly dst: string; readonly gateway?: string }[];
  return routes.flatMap(({ dst, gateway }) => (gateway === undefined ? [] : [{ podCidr: dst, via: gateway }]));
}

