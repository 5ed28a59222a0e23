import { existsSync } from "node:fs";
import { carryImages } from "../../cri/containerd/carry-images.ts";
import { containerdPaths } from "../../cri/containerd/config.ts";
import { connectCri } from "../../cri/cri.ts";
import { RpcError } from "../../stdx/grpc.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Progress } from "../progress.ts";
import type { ClusterPaths, ClusterSpec } from "../spec.ts";

export interface NodeImages {
  readonly from: ClusterPaths;
  readonly to: ClusterPaths;
  /** Of the fork, whose nodes are named as those of the cluster that it came from. */
  readonly spec: ClusterSpec;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const startMsMax = 60_000;
const pollMs = 20;
const namesToldMax = 5;

/**
 * Gives each node of a fork the images that its original has: some may be nowhere else. A fork without them is a fork all the same, so that what
 * cannot be carried is told and no more.
 */
export function carryNodeImages(options: NodeImages): Promise<void> {
  const { from, to, spec, progress } = options;
  return progress.step(`Taking over the images of ${spec.nodes.length} node${spec.nodes.length === 1 ? "" : "s"}`, async (note) => {
    const images = new Set<string>();
    const missing = new Map<string, string>();
    let bytes = 0;
    for (const { name } of spec.nodes) {
      const [source, target] = [containerdPaths(from.node(name)), containerdPaths(to.node(name))];
      try {
        if (!existsSync(source.socket)) throw new Error("its containerd does not run");
        await answers(target.socket, options);
        const carried = await carryImages({ from: source, to: target, clock: options.clock, signal: options.signal });
        for (const image of carried.names) images.add(image);
        for (const image of carried.incomplete) missing.set(image, "some of it is missing");
        bytes += carried.bytes;
      } catch (error) {
        options.signal.throwIfAborted();
        missing.set(`those of node ${name}`, error instanceof Error ? error.message : String(error));
      }
    }
    note(`${[...images].filter((name) => !/^sha256:|@/.test(name)).length} images, ${(bytes / 1e6).toFixed(0)} MB, as the same files`);
    const told = [...missing].map(([name, why]) => `${name} (${why})`);
    if (told.length > 0) progress.line(`   not carried, to be pulled where a pod needs them: ${told.slice(0, namesToldMax).join(", ")}${told.length > namesToldMax ? ` and ${told.length - namesToldMax} more` : ""}`);
  });
}

/** CRI learns of images from events, and hears them once it answers. */
async function answers(socket: string, { clock, signal }: Pick<NodeImages, "clock" | "signal">): Promise<void> {
  using cri = connectCri({ socket });
  for (const untilMs = clock.now() + startMsMax; ;) {
    try {
      await cri.version({}, { signal, deadlineMs: 2_000 });
      return;
    } catch (error) {
      if (!(error instanceof RpcError) || clock.now() > untilMs) throw error;
    }
    await clock.sleep(pollMs, { signal });
  }
}
