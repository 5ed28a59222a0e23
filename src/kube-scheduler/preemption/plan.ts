import type { PodDisruptionBudget } from "../../api/generated/policy-v1.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import type { NodeInfo } from "../cache/node-info.ts";
import { rejection, type Rejection } from "../framework/plugin.ts";
import { startedMs, type PodInfo } from "../framework/pod-info.ts";
import { checkNode, type Filters, type NominatedPods } from "../schedule-pod.ts";

const name = "DefaultPreemption";
const noVictims = rejection(name, "unresolvable", "No preemption victims found for incoming pod");

export interface Candidate {
  readonly node: string;
  /** Most important first; at least one. */
  readonly victims: readonly PodInfo[];
  readonly budgetViolations: number;
}

export const isCandidate = (outcome: Candidate | Rejection): outcome is Candidate => "victims" in outcome;

/** Higher priority first, then what runs for longer. */
const byImportance = (nowMs: number) => (a: PodInfo, b: PodInfo): number => b.priority - a.priority || startedMs(a.pod, nowMs) - startedMs(b.pod, nowMs);

/** Splits pods, most important first, into those whose loss a disruption budget forbids and the others. */
export function splitByBudgets(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): { readonly violating: PodInfo[]; readonly allowed: PodInfo[] } {
  const left = budgets.map(({ status }) => status?.disruptionsAllowed ?? 0);
  const matchers = budgets.map(({ spec }) => labelMatcherOf(spec?.selector));
  const [violating, allowed]: [PodInfo[], PodInfo[]] = [[], []];
  for (const info of pods) {
    const { namespace, labels, name: podName = "" } = info.pod.metadata;
    let forbidden = false;
    for (const [index, { metadata, status }] of budgets.entries()) {
      const matcher = matchers[index];
      if (!labels || !matcher || metadata.namespace !== namespace || matcher.requirements.length === 0 || !matchesLabels(matcher, labels)) continue;
      if (status?.disruptedPods?.[podName] !== undefined) continue; // Its budget has been charged already.
      left[index] = (left[index] ?? 0) - 1;
      if ((left[index] ?? 0) < 0) forbidden = true;
    }
    (forbidden ? violating : allowed).push(info);
  }
  return { violating, allowed };
}

export interface DryRun {
  readonly pod: PodInfo;
  readonly filters: Filters;
  readonly nominated: NominatedPods;
  readonly budgets: readonly PodDisruptionBudget[];
  readonly nowMs: number;
}

/**
 * Which pods of lower priority would have to leave the node: all are thought away, then the most important are let back in as long as the pod
 * still fits. The node is as before when it returns.
 */
export function dryRun(node: NodeInfo, { pod, filters, nominated, budgets, nowMs }: DryRun): Candidate | Rejection {
  const lower = [...node.pods].filter(({ priority }) => priority < pod.priority);
  if (lower.length === 0) return noVictims;
  const away = new Set<PodInfo>();
  const remove = (info: PodInfo): void => {
    node.remove(info.uid);
    for (const filter of filters) filter.remove?.(info, node);
    away.add(info);
  };
  const add = (info: PodInfo): void => {
    node.add(info);
    for (const filter of filters) filter.add?.(info, node);
    away.delete(info);
  };
  try {
    for (const info of lower) remove(info);
    const rejected = checkNode(filters, pod, node, nominated);
    if (rejected) return rejected;

    const { violating, allowed } = splitByBudgets(lower.toSorted(byImportance(nowMs)), budgets);
    const victims: PodInfo[] = [];
    let budgetViolations = 0;
    const reprieve = (info: PodInfo): boolean => {
      add(info);
      if (!checkNode(filters, pod, node, nominated)) return true;
      remove(info);
      victims.push(info);
      return false;
    };
    for (const info of violating) if (!reprieve(info)) budgetViolations++;
    for (const info of allowed) reprieve(info);
    return victims.length === 0 ? noVictims : { node: node.name, victims: victims.toSorted(byImportance(nowMs)), budgetViolations };
  } finally {
    for (const info of away) add(info);
  }
}

/** Fewest broken budgets, then least important victims, then the smallest sum of priorities, then fewest victims, then those that started last. */
export function pickCandidate(candidates: readonly Candidate[], nowMs: number): Candidate | undefined {
  const int32 = 2 ** 31;
  const costs = ({ victims, budgetViolations }: Candidate): number[] => {
    const [first] = victims;
    const earliest = Math.min(...victims.filter(({ priority }) => priority === first?.priority).map(({ pod }) => startedMs(pod, nowMs)));
    return [budgetViolations, first?.priority ?? 0, victims.reduce((sum, { priority }) => sum + priority + int32, 0), victims.length, -earliest];
  };
  let best: { readonly candidate: Candidate; readonly costs: readonly number[] } | undefined;
  for (const candidate of candidates) {
    const own = costs(candidate);
    const difference = best === undefined ? -1 : own.map((cost, index) => cost - (best?.costs[index] ?? 0)).find((each) => each !== 0) ?? 0;
    if (difference < 0) best = { candidate, costs: own };
  }
  return best?.candidate;
}
