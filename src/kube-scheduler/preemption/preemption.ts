import { pods, type Pod } from "../../api/generated/core-v1.ts";
import { poddisruptionbudgets, type PodDisruptionBudget } from "../../api/generated/policy-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import type { Client } from "../../client/client.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import type { Informers } from "../../client/informers.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { NodeInfo } from "../cache/node-info.ts";
import { diagnosisText, type Diagnosis } from "../framework/diagnosis.ts";
import { rejection, type ClusterView, type Plugin, type Rejection } from "../framework/plugin.ts";
import type { PodInfo } from "../framework/pod-info.ts";
import { setPodStatus } from "../pod-status.ts";
import type { Nominations } from "../queue/nominations.ts";
import { filtersFor } from "../schedule-pod.ts";
import { dryRun, isCandidate, pickCandidate, type Candidate } from "./plan.ts";

export interface PreemptionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: EventRecorder;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly plugins: readonly Plugin[];
  readonly schedulerName: string;
  readonly cluster: ClusterView;
  readonly nominations: Nominations;
  readonly budgets: () => readonly PodDisruptionBudget[];
  /** The pod with this UID will not get its room: it has to look again. */
  readonly failed: (uid: string) => void;
}

export const disruptionBudgets = (informers: Pick<Informers, "of">): (() => readonly PodDisruptionBudget[]) => {
  const { cache } = informers.of(poddisruptionbudgets);
  return () => cache.list();
};

/** What came of it: the node now promised to the pod ("" takes an earlier promise back, absent leaves it), and what the user is told. */
export interface PreemptionOutcome {
  readonly nominate?: string;
  readonly message: string;
}

const notHelpful = rejection("DefaultPreemption", "unresolvable", "Preemption is not helpful for scheduling");
/** Upstream looks at a tenth of the nodes, at least this many. */
const candidatesMin = 100;
const candidatesShare = 0.1;
/** What upstream's plugin for resource claims says of every pod that has none; it comes first. */
const claimsText = "no new claims to deallocate";

/** Makes room for a pod by removing pods of lower priority from one node. */
export class Preemption {
  readonly #options: PreemptionOptions;

  constructor(options: PreemptionOptions) {
    this.#options = options;
  }

  tryFor(pod: PodInfo, diagnosis: Diagnosis): PreemptionOutcome {
    const because = this.#notEligible(pod, diagnosis);
    if (because !== undefined) return { message: `${claimsText}, preemption: ${because}` };

    const { candidates, rejections } = this.#search(pod, diagnosis);
    const chosen = pickCandidate(candidates, this.#options.clock.now());
    if (!chosen) {
      const text = diagnosisText({ nodeCount: diagnosis.nodeCount, rejections, others: notHelpful, plugins: new Set() });
      return { nominate: "", message: `${claimsText}, preemption: ${text}` };
    }
    void this.#carryOut(pod, chosen);
    return { nominate: chosen.node, message: "" };
  }

  #notEligible({ pod, priority }: PodInfo, { rejections }: Diagnosis): string | undefined {
    if (pod.spec?.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
    const nominated = pod.status?.nominatedNodeName ?? "";
    const node = this.#options.cluster.node(nominated);
    if (!node || rejections.get(nominated)?.code === "unresolvable") return undefined;
    const leaving = [...node.pods].some((other) => other.priority < priority && isBeingPreempted(other.pod));
    return leaving ? "not eligible due to a terminating pod on the nominated node." : undefined;
  }

  #search(pod: PodInfo, diagnosis: Diagnosis): { readonly candidates: Candidate[]; readonly rejections: Map<string, Rejection> } {
    const { cluster, nominations, plugins, random, budgets, clock } = this.#options;
    const [candidates, rejections]: [Candidate[], Map<string, Rejection>] = [[], new Map()];
    const helpful = [...diagnosis.rejections].filter(([, { code }]) => code === "unschedulable").map(([name]) => cluster.node(name)).filter((node): node is NodeInfo => node !== undefined);
    const filters = helpful.length === 0 ? [] : filtersFor(pod, cluster, plugins);
    if ("reasons" in filters) return { candidates, rejections };

    const wanted = Math.min(helpful.length, Math.max(candidatesMin, Math.trunc(helpful.length * candidatesShare)));
    const offset = Math.floor(random() * helpful.length);
    const options = { pod, filters, nominated: nominations.on, budgets: helpful.length === 0 ? [] : budgets(), nowMs: clock.now() };
    for (let i = 0; i < helpful.length; i++) {
      const node = helpful[(offset + i) % helpful.length];
      if (!node) continue;
      const outcome = dryRun(node, options);
      if (isCandidate(outcome)) candidates.push(outcome);
      else rejections.set(node.name, outcome);
      if (candidates.length >= wanted && candidates.some(({ budgetViolations }) => budgetViolations === 0)) break;
    }
    return { candidates, rejections };
  }

  async #carryOut(preemptor: PodInfo, { node, victims }: Candidate): Promise<void> {
    const { client, clock, events, failed, log, nominations, schedulerName, signal } = this.#options;
    const outranked = nominations.on(node).filter(({ priority, uid }) => priority < preemptor.priority && uid !== preemptor.uid);
    const settled = await Promise.allSettled([
      ...outranked.map((other) => {
        nominations.delete(other.uid);
        return setPodStatus(client, other.pod, { nominatedNodeName: "", nowMs: clock.now(), signal });
      }),
      ...victims.filter(({ pod }) => pod.metadata.deletionTimestamp === undefined).map(async ({ pod }) => {
        const { name = "", namespace = "", uid = "" } = pod.metadata;
        await setPodStatus(client, pod, {
          condition: { type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler", message: `${schedulerName}: preempting to accommodate a higher priority pod` },
          nowMs: clock.now(), signal,
        });
        await client.delete(pods, { name, namespace }, { preconditions: { uid }, signal });
        events.event(pod, "Normal", "Preempted", `Preempted by pod ${preemptor.uid} on node ${node}`);
      }),
    ]);
    for (const outcome of settled) {
      if (outcome.status !== "rejected" || signal.aborted || isNotFound(outcome.reason)) continue;
      log.warn("a pod could not be preempted", { preemptor: preemptor.key, node, error: outcome.reason });
      failed(preemptor.uid);
    }
  }
}

const isBeingPreempted = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp !== undefined
  && (status?.conditions?.some(({ type, status: is, reason }) => type === "DisruptionTarget" && is === "True" && reason === "PreemptionByScheduler") ?? false);
