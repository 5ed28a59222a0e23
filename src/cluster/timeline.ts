import { styleText } from "node:util";
import type { Step } from "../stdx/steps.ts";

/** The story of one object, as lines: when a step began, how long it took, who did what, and a bar on the common time axis. */

const barWidth = 32;

const milliseconds = (ms: number): string => (ms >= 9_999.5 ? `${(ms / 1000).toFixed(1)} s` : ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`);

export const attributesText = (attributes: Step["attributes"]): string =>
  Object.entries(attributes).map(([key, value]) => (value === true ? key : `${key} ${String(value)}`)).join(", ");

/** One step as it happens: offset from the first one, component, what, attributes. */
export function stepLine(step: Step, originMs: number): string {
  const at = `+${milliseconds(Math.max(0, step.startMs - originMs))}`.padStart(10);
  const took = step.endMs - step.startMs >= 0.05 ? styleText("dim", ` (${milliseconds(step.endMs - step.startMs)})`) : "";
  const details = attributesText(step.attributes);
  return `${styleText("dim", at)}  ${styleText("cyan", step.component.padEnd(15))} ${step.name}${details === "" ? "" : `: ${details}`}${took}`;
}

/** Which columns of the bar a step covers; at least one. */
export function barOf(step: Pick<Step, "startMs" | "endMs">, originMs: number, spanMs: number): string {
  const column = (ms: number) => Math.round(((ms - originMs) / Math.max(spanMs, 0.001)) * (barWidth - 1));
  const from = Math.min(Math.max(column(step.startMs), 0), barWidth - 1);
  const to = Math.min(Math.max(column(step.endMs), from), barWidth - 1);
  return `${" ".repeat(from)}${"█".repeat(to - from + 1)}`.padEnd(barWidth);
}

/** Steps in order of their start; a long pause between two clusters of steps stays visible in the offsets, not in the bars' scale alone. */
export function timeline(steps: readonly Step[]): readonly string[] {
  const ordered = steps.toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
  const first = ordered[0];
  if (!first) return [];
  const originMs = first.startMs;
  const spanMs = Math.max(...ordered.map(({ endMs }) => endMs)) - originMs;
  return ordered.map((step) => {
    const details = attributesText(step.attributes);
    return [
      `+${milliseconds(step.startMs - originMs)}`.padStart(10),
      milliseconds(step.endMs - step.startMs).padStart(9),
      styleText("cyan", barOf(step, originMs, spanMs)),
      step.component.padEnd(15),
      `${step.name}${details === "" ? "" : `: ${details}`}`,
    ].join("  ");
  });
}
