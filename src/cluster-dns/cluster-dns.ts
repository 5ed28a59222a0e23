import type { Informers } from "../client/informers.ts";
import { command, CommandError } from "../stdx/command.ts";
import type { Log } from "../stdx/log.ts";
import { informerDirectory } from "./directory.ts";
import { forwarderTo } from "./forward.ts";
import { startDnsServer } from "./server.ts";

export interface ClusterDnsOptions {
  readonly informers: Informers;
  /** The cluster DNS address, put on this node's loopback interface: pods of this node are answered here, one hop away. */
  readonly address: string;
  readonly domain: string;
  /** Name servers for everything outside of the cluster. */
  readonly forwarders: readonly string[];
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Serves the names of the cluster on this node until `signal` aborts. */
export async function runClusterDns({ informers, address, domain, forwarders, log, signal }: ClusterDnsOptions): Promise<void> {
  const directory = informerDirectory(informers);
  await Promise.all([directory.whenSynced(signal), ensureAddress(address)]);
  await using _server = await startDnsServer({ host: address, port: 53, zone: { directory, domain }, forwarder: forwarders.length === 0 ? undefined : forwarderTo(forwarders), log, signal });
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function ensureAddress(address: string): Promise<void> {
  try {
    await command(["ip", "address", "add", `${address}/32`, "dev", "lo"]);
  } catch (error) {
    if (!(error instanceof CommandError && /File exists|already assigned/.test(error.stderr))) throw error;
  }
}
