import type { Step } from "../stdx/steps.ts";
import type { Diagnosis } from "./framework/diagnosis.ts";
import type { Choice } from "./schedule-pod.ts";

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

/** The best nodes with their totals and what each plugin gave: `score.<node>`. */
export function scoredAttributes({ scored, node }: Choice): Attributes {
  const best = scored.length <= nodesMax ? scored.toSorted((a, b) => b.total - a.total) : scored.filter((each) => each.node === node);
  return {
    nodes: scored.length, chosen: node.name,
    ...Object.fromEntries(best.map((each) => [`score.${each.node.name}`, `${each.total} (${each.scores.map(({ plugin, score }) => `${plugin} ${score}`).join(", ")})`])),
  };
}

export const chosenAttributes = (node: string, feasible: number): Attributes => ({ node, feasible });
