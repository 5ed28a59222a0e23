import type { Step } from "../stdx/steps.ts";
import type { Diagnosis } from "./framework/diagnosis.ts";
import type { Choice, Scoring } from "./schedule-pod.ts";

type Attributes = Step["attributes"];

/** A step names this many nodes; in larger clusters the rest is only counted. */
const nodesMax = 8;

/** How many nodes remained, and why each of the others did not: `rejected.<node>`. */
export function filteredAttributes(outcome: Choice | Diagnosis, nodeCount: number): Attributes {
  const feasible = "node" in outcome ? outcome.feasible.length : 0;
  const refused = "refused" in outcome && outcome.refused ? { refused: outcome.refused.reasons.join(", ") } : {};
  const rejected = [...outcome.rejections.entries().take(nodesMax)].map(([node, { plugin, reasons }]) => [`rejected.${node}`, `${plugin}: ${reasons.join(", ")}`] as const);
  return { nodes: nodeCount, feasible, rejected: outcome.rejections.size, ...refused, ...Object.fromEntries(rejected) };
}

/** The nodes with their totals and what each plugin gave, `score.<node>`, best first; of many only the chosen one. */
export function scoredAttributes({ nodes, totals, plugins }: Scoring, chosen: string): Attributes {
  const indexes = nodes.length <= nodesMax
    ? [...nodes.keys()].toSorted((a, b) => (totals[b] ?? 0) - (totals[a] ?? 0))
    : [nodes.findIndex(({ name }) => name === chosen)];
  const attributes: Record<string, string | number> = { nodes: nodes.length, chosen };
  for (const index of indexes) {
    attributes[`score.${nodes[index]?.name ?? ""}`] = `${totals[index] ?? 0} (${plugins.map(({ plugin, scores }) => `${plugin} ${scores[index] ?? 0}`).join(", ")})`;
  }
  return attributes;
}

export const chosenAttributes = (node: string, feasible: number): Attributes => ({ node, feasible });
