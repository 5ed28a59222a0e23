import type { Context } from "../client/controller.ts";
import type { Client } from "../client/client.ts";
import { EventRecorder } from "../client/event-recorder.ts";
import { Informers } from "../client/informers.ts";
import { runAsLeader } from "../client/leader-election.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import { Tracer, type Steps } from "../stdx/steps.ts";
import { controllersFor, type ControllerManagerOptions, type Runnable } from "./controllers.ts";

export interface RunControllerManagerOptions {
  /** Reads and watches everything; writes too, when there is no `clientFor`. */
  readonly client: Client;
  /** One client per ServiceAccount of kube-system, so that each controller may do no more than its bootstrap role allows. */
  readonly clientFor?: (serviceAccount: string) => Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly steps: Steps;
  readonly signal: AbortSignal;
  /** What the controllers need to know about this cluster. */
  readonly options: ControllerManagerOptions;
  /** Shared with others in the process; made here when left out. */
  readonly informers?: Informers;
  /** Left out, this process acts without asking whether another one does: right when there is one server only. */
  readonly leaderElection?: { readonly identity: string; readonly namespace?: string; readonly name?: string };
}

/** Runs all controllers until the signal aborts. Rejects when leadership was lost, so that the process can end. */
export async function runControllerManager(all: RunControllerManagerOptions): Promise<void> {
  const { client, clock, random, log, signal, options, leaderElection } = all;
  const run = (until: AbortSignal) => runControllers(controllersFor(options), all, until);
  if (!leaderElection) return run(signal);
  const { identity, namespace = "kube-system", name = "kube-controller-manager" } = leaderElection;
  return runAsLeader({ client, clock, random, log, identity, namespace, name, signal }, run);
}

async function runControllers(controllers: readonly Runnable[], all: RunControllerManagerOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, random, log, steps } = all;
  const informers = all.informers ?? new Informers({ client, clock, random, log, signal });
  await Promise.all(controllers.map((controller) => controller.run(contextFor(controller, all, informers, steps, signal)).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  })));
}

function contextFor({ name, serviceAccount = name }: Runnable, { clock, random, log, clientFor }: RunControllerManagerOptions, informers: Informers, steps: Steps, signal: AbortSignal): Context {
  const own = log.with({ controller: name });
  const client = clientFor ? informers.noting(clientFor(serviceAccount)) : informers.client;
  return {
    client, informers, clock, random, signal, log: own,
    tracer: new Tracer({ component: name, steps, clock }),
    events: new EventRecorder({ client, clock, log: own, component: name, signal }),
  };
}
