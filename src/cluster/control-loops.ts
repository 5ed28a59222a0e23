import type { Transport } from "../apimachinery/transport.ts";
import { EventRecorder } from "../client/event-recorder.ts";
import { Informers } from "../client/informers.ts";
import { LeadershipLostError, runAsLeader, type LeaderElectionOptions } from "../client/leader-election.ts";
import { TypedClient } from "../client/typed-client.ts";
import type { UserInfo } from "../kube-apiserver/access.ts";
import { upstreamTimes } from "../kube-controller-manager/node-lifecycle/plan.ts";
import { runControllerManager } from "../kube-controller-manager/run.ts";
import { runScheduler } from "../kube-scheduler/scheduler.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import { Tracer, type StepRing } from "../stdx/steps.ts";
import { component, controllerAccount, type ControlLoop } from "./components.ts";
import type { ClusterSpec } from "./spec.ts";

export interface ControlLoopsOptions {
  /** A way into the API server, as this user. */
  readonly transport: (user: UserInfo) => Transport;
  readonly spec: ClusterSpec;
  /** PEM; goes into every namespace. */
  readonly rootCa: string;
  /** Other servers may work on the same store: of all of them one leads. */
  readonly shared: boolean;
  /** Tells this server from others that want to lead. */
  readonly identity: string;
  /** Those that run somewhere else: upstream's binary, or ours alone. */
  readonly without?: ReadonlySet<ControlLoop>;
  readonly steps: StepRing;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

type Loop = (until: AbortSignal) => Promise<void>;

/** Somebody else leads within 13 s after a server died, and within one after it stopped. */
const leaseTimes = { leaseDurationMs: 12_000, renewDeadlineMs: 8_000, waitPeriodMs: 500 };

/** Controllers and scheduler, in this process and for as long as they lead, until `signal` aborts. */
export async function runControlLoops(options: ControlLoopsOptions): Promise<void> {
  const { transport, shared, identity, without, clock, random, log, signal } = options;
  // Whose store nobody else writes to need not ask whether it leads.
  const lead = (name: ControlLoop, work: Loop): Promise<void> => (without?.has(name) ? Promise.resolve() : shared
    ? leadAgainAndAgain({ client: new TypedClient(transport(component(`system:${name}`))), clock, random, log, namespace: "kube-system", name, identity, signal, ...leaseTimes }, work)
    : work(signal));
  await Promise.all([
    lead("kube-controller-manager", (until) => controlling(options, until)),
    lead("kube-scheduler", (until) => scheduling(options, until)),
  ]);
}

const informersOf = (name: string, { transport, clock, random, log }: ControlLoopsOptions, signal: AbortSignal): Informers =>
  new Informers({ client: new TypedClient(transport(component(name)), { fieldManager: name.replace("system:", "") }), clock, random, log, signal });

async function controlling(options: ControlLoopsOptions, signal: AbortSignal): Promise<void> {
  const { transport, spec, rootCa, steps, clock, random, log } = options;
  const informers = informersOf("system:kube-controller-manager", options, signal);
  await runControllerManager({
    client: informers.client, informers, steps, clock, random, log, signal,
    clientFor: (name) => new TypedClient(transport(controllerAccount(name)), { fieldManager: "kube-controller-manager" }),
    options: {
      rootCa, clusterCidrs: [{ cidr: spec.podCidr, nodeMaskSize: 24 }],
      ...(spec.nodeMonitorGraceMs !== undefined && { nodeTimes: { ...upstreamTimes, monitorGraceMs: spec.nodeMonitorGraceMs } }),
    },
  });
}

async function scheduling(options: ControlLoopsOptions, signal: AbortSignal): Promise<void> {
  const { steps, clock, random, log } = options;
  const informers = informersOf("system:kube-scheduler", options, signal);
  await runScheduler({
    informers, clock, random, log, signal, tracer: new Tracer({ component: "kube-scheduler", steps, clock }),
    events: new EventRecorder({ client: informers.client, clock, log, component: "default-scheduler", signal }),
  });
}

/** Of several servers one leads; one that loses its lease stops this work only, and waits for its turn again. */
async function leadAgainAndAgain(options: LeaderElectionOptions, work: Loop): Promise<void> {
  while (!options.signal.aborted) {
    try {
      await runAsLeader(options, work);
    } catch (error) {
      if (options.signal.aborted) return;
      if (!(error instanceof LeadershipLostError)) throw error;
      options.log.warn("somebody else may lead now", { lease: options.name, error });
    }
  }
}
